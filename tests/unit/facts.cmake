rehost_unit(facts facts_document facts base)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
target_link_libraries(test_facts PRIVATE PkgConfig::CJSON)
