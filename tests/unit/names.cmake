# What pages and comments name is there.
find_program(PYTHON3_PROGRAM python3 REQUIRED)
add_test(NAME unit.names COMMAND ${PYTHON3_PROGRAM} ${CMAKE_CURRENT_SOURCE_DIR}/check_names.py ${PROJECT_SOURCE_DIR})
set_tests_properties(unit.names PROPERTIES LABELS unit)
