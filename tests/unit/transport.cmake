rehost_unit(transport transport)
# The parsers are tested through the room's private header.
target_compile_definitions(test_transport PRIVATE REHOST_VERSION="${PROJECT_VERSION}")
set_tests_properties(unit.transport PROPERTIES TIMEOUT 300)
