"""YAML text -> nodes that know their places, or an explanation what is wrong with the text."""
