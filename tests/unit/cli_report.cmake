rehost_unit(cli_report cli)
