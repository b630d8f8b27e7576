rehost_unit(cli_options cli)
target_compile_definitions(test_cli_options PRIVATE MANUAL="${PROJECT_SOURCE_DIR}/man/rehost.8")
