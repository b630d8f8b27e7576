pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
# One program a file of rows.
foreach(part preflight preflight_access preflight_storage preflight_capacity preflight_load preflight_network preflight_services preflight_system preflight_hosts)
  rehost_unit(${part} preflight)
  target_link_libraries(test_${part} PRIVATE PkgConfig::CJSON)
endforeach()
target_compile_definitions(test_preflight_hosts PRIVATE HOSTS_DIR="${PROJECT_SOURCE_DIR}/tests/facts")
