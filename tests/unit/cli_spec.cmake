rehost_unit(cli_spec cli)
