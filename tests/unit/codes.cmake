# Each diagnostic code is documented and raised.
add_test(NAME unit.codes COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/check_codes.sh
  $<TARGET_FILE:rehost-gen-diagnostics> ${PROJECT_SOURCE_DIR}/src)
set_tests_properties(unit.codes PROPERTIES LABELS unit)
