find_program(PYTHON3_PROGRAM python3 REQUIRED)
add_test(NAME unit.rooms COMMAND ${PYTHON3_PROGRAM} ${CMAKE_CURRENT_SOURCE_DIR}/check_rooms.py ${PROJECT_SOURCE_DIR})
set_tests_properties(unit.rooms PROPERTIES LABELS unit)
