find_program(PYTHON3_PROGRAM python3 REQUIRED)
# The completions, driven in each shell that is there.
add_test(NAME unit.completions COMMAND ${PYTHON3_PROGRAM} ${CMAKE_CURRENT_SOURCE_DIR}/check_completions.py
  ${CMAKE_BINARY_DIR}/packaging)
set_tests_properties(unit.completions PROPERTIES LABELS unit TIMEOUT 120)
