# A NixOS module: an account whose login shell is rshell.
#
#   services.aiWorkerAccess.enable = true;
#   services.rshell.source = fetchGit { url = ...; rev = ...; };
#   services.rshell.authorizedKeys = [ "ssh-ed25519 ..." ];
#
# The policy is checked and compiled when the system is built: one with an error builds none.
# `rshellctl apply` has no say here; change services.rshell.policy and switch.
{ config, lib, pkgs, ... }:

let
  inherit (builtins) attrNames attrValues concatLists concatStringsSep elem filter mapAttrs;
  inherit (lib) concatMapStrings filterAttrs genAttrs intersectLists literalExpression mapAttrsToList mkBefore
    mkEnableOption mkIf mkOption optionals optionalString removePrefix types;

  # SECURITY: it stands in sudoers and sshd_config, where other characters mean other things
  account = types.strMatching "[a-z_][a-z0-9_-]*";

  cfg = config.services.rshell;
  gated = cfg.boundary == "gate";

  # What rshell writes on every other host: the same paths, the same texts.
  rshell = import ./rshell.nix;
  inherit (rshell) layout;

  # The launchers with their one interpreter and library paths, and the policy, checked and compiled.
  host = pkgs.runCommand "rshell-host" { passthru.shellPath = "/bin/rshell"; } ''
    mkdir -p $out/bin $out/libexec $out/etc/docker
    rshellctl=${cfg.package}/bin/rshellctl
    $rshellctl launcher ${optionalString gated "--gate $out/libexec/rshell-gate "}$out/bin/rshell
    ${optionalString gated "$rshellctl launcher --of gate $out/libexec/rshell-gate"}
    $rshellctl launcher --of rshellctl $out/bin/rshellctl
    cp ${cfg.policy} $out/etc/policy.yaml
    $rshellctl check --compile $out/etc/policy.yaml.compiled - < $out/etc/policy.yaml
    ln -s ${cfg.package}/share $out/share
  '';
  launcher = "/run/current-system/sw${host.shellPath}";
  gate = "${host}/libexec/rshell-gate";

  # the accounts of the identities, each with the groups that it needs
  identities = genAttrs (attrValues cfg.identities) (name: concatLists (mapAttrsToList
    (identity: groups: optionals (cfg.identities.${identity} or "" == name) groups) rshell.groups));
  made = filterAttrs (name: _: gated && name != "root") identities;
  runsDocker = if gated then cfg.identities.docker or "root" else cfg.user;
  theirGroups = concatLists (attrValues identities);
  keys = "${layout.KEYS}/${cfg.user}";
  etc = removePrefix "/etc/";

  powers = theirGroups ++ [ layout.GROUP "wheel" ];
  ownGroups = config.users.users.${cfg.user}.extraGroups
    ++ filter (group: elem cfg.user (config.users.groups.${group}.members or [ ])) powers;
in
{
  options.services.aiWorkerAccess.enable = mkEnableOption "the restricted account of services.rshell";

  options.services.rshell = {
    source = mkOption {
      type = types.path;
      example = literalExpression "fetchGit { url = ...; rev = ...; }";
      description = "The source of rshell, from which the package is built; not used with a package of your own.";
    };
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { src = cfg.source; };
      defaultText = literalExpression "pkgs.callPackage ./package.nix { src = config.services.rshell.source; }";
      description = "The package of rshell.";
    };
    user = mkOption {
      type = account;
      default = "ai-worker";
      description = "The restricted account. The policy must give it a role.";
    };
    authorizedKeys = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      description = "The public keys that let it in, and nothing else does.";
    };
    policy = mkOption {
      type = types.path;
      default = "${cfg.package}/${cfg.package.python.sitePackages}/rshell/data/policy.yaml";
      defaultText = "the policy that ships with rshell";
      example = literalExpression "./policy.yaml";
      description = "What it may do: rshell-policy(5).";
    };
    boundary = mkOption {
      type = types.enum [ "gate" "direct" ];
      default = "gate";
      description = ''
        Where commands run. gate: under accounts of their own, behind sudo; the restricted account is in no group
        that matters. direct: under the restricted account itself, which then has docker's rights by any other way
        in too.
      '';
    };
    networks = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9][A-Za-z0-9_.-]*");
      default = rshell.networks;
      description = "The docker networks that are made, those that `containers` of the policy lists.";
    };
    identities = mkOption {
      type = types.attrsOf account;
      default = rshell.identities;
      description = ''
        As whom commands run, as `identities` of the policy has it. These accounts are made; docker's and journal's
        are put into their groups, others are yours to give some.
      '';
    };
  };

  config = mkIf config.services.aiWorkerAccess.enable {
    assertions = [
      {
        assertion = !elem cfg.user ([ "root" layout.GROUP ] ++ attrNames identities);
        message = "services.rshell.user must be an account of its own, not ${cfg.user}.";
      }
    ] ++ optionals gated [
      {
        assertion = config.security.sudo.enable && !config.security.sudo.execWheelOnly;
        message = "services.rshell.boundary = \"gate\" needs security.sudo.enable, without execWheelOnly.";
      }
      {
        # SECURITY: a member of docker or wheel is root without ever asking rshell; one of rshell's changes records
        assertion = intersectLists powers ownGroups == [ ];
        message = "${cfg.user} must not be in ${concatStringsSep ", " powers}: that is a way around the gate.";
      }
    ];

    users.users = {
      ${cfg.user} = {
        isSystemUser = true;
        description = "restricted by rshell";
        group = cfg.user;
        extraGroups = optionals (!gated) theirGroups;
        home = "${layout.HOMES}/${cfg.user}";
        createHome = false;
        hashedPassword = "*";
        shell = host;
      };
    } // mapAttrs (name: groups: {
      isSystemUser = true;
      description = "runs commands for rshell";
      group = name;
      extraGroups = groups ++ [ layout.GROUP ];
      home = "/nonexistent";
      createHome = false;
    }) made;
    users.groups = genAttrs ([ cfg.user layout.GROUP ] ++ attrNames made) (_: { });

    environment.shells = [ host ];
    environment.systemPackages = [ host pkgs.docker-compose ];
    environment.pathsToLink = [ "/libexec/docker/cli-plugins" ];
    environment.etc = {
      ${etc layout.POLICY}.source = "${host}/etc/policy.yaml";
      "${etc layout.POLICY}.compiled".source = "${host}/etc/policy.yaml.compiled";
      ${etc layout.DOCKER_CONFIG}.source = "${host}/etc/docker";
      ${etc keys} = {
        text = concatStringsSep "" (map (key: "${key}\n") cfg.authorizedKeys);
        mode = "0444"; # a file, no link: sshd does not trust the store's directory, which its group can write
      };
    };

    security.sudo.extraConfig = mkIf gated (rshell.sudoers {
      inherit (cfg) user;
      inherit gate;
      identities = concatStringsSep "," (attrNames identities);
    });
    security.pam.loginLimits = rshell.limits { inherit (cfg) user; };
    # SECURITY: of several Match blocks the first one to say something wins
    services.openssh.extraConfig = mkBefore (rshell.sshd { inherit (cfg) user; inherit launcher; });
    services.logrotate.settings.rshell = rshell.logrotate;

    systemd.tmpfiles.rules = [
      "d ${layout.STATE} 0755 root root -"
      "d ${layout.STOPPED} 0755 root root -"
      "d ${layout.POLICIES} 0700 root root -"
      "d ${layout.USERS} 0755 root root -"
      "d ${layout.HOMES} 0755 root root -"
      "d ${layout.HOMES}/${cfg.user} 0755 root root -"
      "f ${layout.HOMES}/${cfg.user}/.hushlogin 0644 root root -"
      "d ${layout.SLOTS} 2770 root ${layout.GROUP} -"
      "d ${layout.LOGS} 0750 root ${layout.GROUP} -"
      "f ${rshell.logrotate.files} 0660 root ${layout.GROUP} -"
      "d ${layout.BUILDX_CONFIG} 0700 ${runsDocker} ${runsDocker} -"
    ];

    # What is kept by uid: that is known only once the account is made.
    systemd.services.rshell-state = {
      description = "State of ${cfg.user}, restricted by rshell";
      wantedBy = [ "multi-user.target" ];
      after = [ "systemd-tmpfiles-setup.service" ];
      serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
      path = [ pkgs.coreutils ];
      script = ''
        install -d -m 0700 -o ${cfg.user} -g ${cfg.user} "${layout.USERS}/$(id -u ${cfg.user})"
      '';
    };

    systemd.services.rshell-networks = mkIf (cfg.networks != [ ]) {
      description = "Docker networks that the policy of rshell lists";
      wantedBy = [ "multi-user.target" ];
      requires = [ "docker.service" ];
      after = [ "docker.service" ];
      serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
      path = [ config.virtualisation.docker.package ];
      script = concatMapStrings (network: ''
        docker network inspect -- ${network} > /dev/null ||
          docker network create --label=${rshell.networkLabel} -- ${network}
      '') cfg.networks;
    };
  };
}
