# Evaluate the module as NixOS does, as far as it goes: options with types and defaults, what is set, what follows.
#
# directory: of module.nix and package.nix. settings: what the operator's configuration says, in JSON.
# It throws, as NixOS does, for a value that does not fit the type of its option, and for an option that is none.
{ directory, settings }:

with builtins;
let
  lib = import ./lib.nix;
  given = lib.recursiveUpdate host (fromJSON settings);

  derivation = name: attributes: attributes // { type = "derivation"; outPath = "/nix/store/${name}"; };
  pkgs = {
    inherit lib;
    coreutils = derivation "coreutils" { };
    docker-compose = derivation "docker-compose" { };
    runCommand = name: environment: script: derivation name ((environment.passthru or { }) // { inherit script; });
    callPackage = file: arguments:
      let function = import file; in function (intersectAttrs (functionArgs function) pkgs // arguments);
    python3Packages = {
      python.sitePackages = "lib/python3/site-packages";
      hatchling = "hatchling";
      prompt-toolkit = "prompt-toolkit";
      pygments = "pygments";
      pyyaml = "pyyaml";
      buildPythonApplication = arguments:
        seq arguments.src derivation "${arguments.pname}-${arguments.version}" ((arguments.passthru or { }) // { inherit arguments; });
    };
  };

  # A host as NixOS makes it, before the module.
  host = {
    security.sudo = { enable = true; execWheelOnly = false; };
    users.users = { };
    users.groups.docker.members = [ ];
    services = { };
  };

  module = import (directory + "/module.nix") { inherit lib pkgs config; };

  read = path: option: given:
    if option._type or "" == "option" then
      let value = if given == null then option.default or (throw "${path} is used but not defined") else given; in
      if option.type value then value else throw "${path} is not of its type"
    else
      let unknown = attrNames (removeAttrs (if given == null then { } else given) (attrNames option)); in
      if unknown != [ ] then throw "${path}.${head unknown} does not exist"
      else mapAttrs (name: inner: read "${path}.${name}" inner (given.${name} or null)) option;

  services = mapAttrs (name: option: read "services.${name}" option (given.services.${name} or null))
    module.options.services;

  # What follows, without what is not switched on; an order is shown.
  isOff = value: isAttrs value && value._type or "" == "if" && !value.condition;
  plain = value:
    if isList value then map plain value
    else if !isAttrs value || value ? outPath then value
    else if value._type or "" == "if" then plain value.content
    else if value._type or "" == "order" then { inherit (value) priority; content = plain value.content; }
    else mapAttrs (_: plain) (lib.filterAttrs (_: inner: !isOff inner) value);
  follows = if isOff module.config then { } else plain module.config;

  config = {
    inherit services;
    inherit (given) security;
    virtualisation.docker.package = derivation "docker" { };
    users.users = lib.recursiveUpdate (follows.users.users or { }) given.users.users;
    users.groups = lib.recursiveUpdate (follows.users.groups or { }) given.users.groups;
  };

  # A derivation in JSON is its path.
  shown = value:
    if isList value then map shown value
    else if isAttrs value then (if value ? outPath then value.outPath else mapAttrs (_: shown) value)
    else value;
in
{
  config = shown (removeAttrs follows [ "assertions" ]);
  broken = map (each: each.message) (filter (each: !each.assertion) (follows.assertions or [ ]));
  build = follows.users.users.${services.rshell.user}.shell.script or null;
  package = if given.services.rshell ? source then services.rshell.package.arguments else null;
}
