rehost_unit(cli_json cli)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
target_link_libraries(test_cli_json PRIVATE PkgConfig::CJSON)
