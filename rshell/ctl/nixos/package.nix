# rshell as a package. src: its source, a checkout or what a fetcher gives.
{ lib, python3Packages, src }:

python3Packages.buildPythonApplication {
  pname = "rshell-login";
  version = import ./version.nix;
  inherit src;
  pyproject = true;

  build-system = [ python3Packages.hatchling ];
  dependencies = with python3Packages; [ prompt-toolkit pygments pyyaml ];

  pythonImportsCheck = [ "rshell.login" "rshell.gate" "rshell.ctl.main" ];

  passthru.python = python3Packages.python;

  meta = {
    description = "A restricted login shell that runs exactly what it has understood";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "rshellctl";
  };
}
