# The code is formatted by machine.
add_test(NAME unit.style COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/check_style.sh ${PROJECT_SOURCE_DIR})
set_tests_properties(unit.style PROPERTIES LABELS unit SKIP_RETURN_CODE 77)
