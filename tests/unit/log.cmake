rehost_unit(log log)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
target_link_libraries(test_log PRIVATE PkgConfig::CJSON)

# A plugin that writes down what it is told, to load for real.
add_library(rehost-plugin-test-log MODULE plugin_test_log.c)
target_include_directories(rehost-plugin-test-log PRIVATE ${PROJECT_SOURCE_DIR}/plugins)
set_target_properties(rehost-plugin-test-log PROPERTIES
  PREFIX "" OUTPUT_NAME rehost-plugin-journal LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/plugins)
add_dependencies(test_log rehost-plugin-test-log)
target_compile_definitions(test_log PRIVATE TEST_PLUGIN="${CMAKE_BINARY_DIR}/tests/plugins/rehost-plugin-journal.so")

# The real one speaks to a journal that the test plays.
if(TARGET rehost-plugin-journal)
  rehost_unit(plugin_journal)
  target_include_directories(test_plugin_journal PRIVATE ${PROJECT_SOURCE_DIR}/plugins)
  target_link_libraries(test_plugin_journal PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(test_plugin_journal PROPERTIES ENABLE_EXPORTS ON)
  target_compile_definitions(test_plugin_journal PRIVATE
    PLUGIN="$<TARGET_FILE:rehost-plugin-journal>")
  add_dependencies(test_plugin_journal rehost-plugin-journal)
endif()
