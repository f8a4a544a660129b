"""python -m rshell.ctl: rshellctl from a checkout."""

from rshell.ctl.main import main

raise SystemExit(main())
