rehost_fuzz(operator check facts_document operator)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
target_link_libraries(fuzz_operator PRIVATE PkgConfig::CJSON)
