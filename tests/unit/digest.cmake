rehost_unit(digest wire)
