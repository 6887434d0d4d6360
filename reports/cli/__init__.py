"""The verbs `report`, `view` and `compare` of the command line, one a file; `harness.cli.verbs` names them."""
