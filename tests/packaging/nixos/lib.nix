# As much of nixpkgs' lib as the module may use, by the same names.
with builtins;
rec {
  # -- options and what is said of them
  mkOption = option: option // { _type = "option"; };
  mkEnableOption = what: mkOption { type = types.bool; default = false; description = "Whether to enable ${what}."; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkBefore = content: { _type = "order"; priority = 500; inherit content; };
  literalExpression = text: { _type = "literalExpression"; inherit text; };
  licenses.mit.spdxId = "MIT";
  platforms.linux = [ "x86_64-linux" "aarch64-linux" ];

  types = rec {
    bool = isBool;
    str = isString;
    singleLineStr = value: isString value && match "[^\n]*" value != null;
    path = value: builtins.isPath value || isString value && substring 0 1 value == "/" || package value;
    package = value: isAttrs value && value.type or "" == "derivation";
    enum = values: value: elem value values;
    strMatching = pattern: value: isString value && match pattern value != null;
    listOf = type: value: isList value && all type value;
    attrsOf = type: value: isAttrs value && all type (attrValues value);
  };

  # -- lists and sets
  concatMapStrings = make: values: concatStringsSep "" (map make values);
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  optionalString = condition: text: if condition then text else "";
  filterAttrs = keep: values: listToAttrs (concatMap
    (name: optional (keep name values.${name}) { inherit name; value = values.${name}; }) (attrNames values));
  mapAttrsToList = make: values: map (name: make name values.${name}) (attrNames values);
  genAttrs = names: make: listToAttrs (map (name: { inherit name; value = make name; }) names);
  intersectLists = left: filter (value: elem value left);
  removePrefix = prefix: text:
    if substring 0 (stringLength prefix) text == prefix
    then substring (stringLength prefix) (stringLength text) text
    else text;
  recursiveUpdate = left: right:
    if isAttrs left && isAttrs right && !(left ? type) && !(right ? type)
    then left // mapAttrs (name: value: if left ? ${name} then recursiveUpdate left.${name} value else value) right
    else right;
}
