rehost_unit(conf conf diag base)
target_compile_definitions(test_conf PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
