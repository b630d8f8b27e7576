# Systemd units, cron, logrotate.
add_test(NAME unit.units COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/check_units.sh
  ${CMAKE_BINARY_DIR}/packaging $<TARGET_FILE:rehost> ${PROJECT_SOURCE_DIR}/packaging/logrotate/rehost
  ${PROJECT_SOURCE_DIR}/man/rehost-cron.7)
set_tests_properties(unit.units PROPERTIES LABELS unit TIMEOUT 120)
