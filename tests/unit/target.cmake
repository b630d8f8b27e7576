rehost_unit(target target conf)
rehost_unit(target_file target)
