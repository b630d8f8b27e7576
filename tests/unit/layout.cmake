rehost_unit(layout layout)
