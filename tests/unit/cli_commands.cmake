rehost_unit(cli_commands cli)
