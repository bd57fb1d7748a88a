def write_report(record, path):
    raise NotImplementedError
