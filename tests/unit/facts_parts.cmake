rehost_unit(facts_parts facts base)
