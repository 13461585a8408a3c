# Before any job starts: its results can be written; no rules.


def require_writable(paths):
    """Stop with a sentence if a file cannot be written where one of some paths is."""
    for folder in {Path(path).absolute().parent for path in paths}:
        found = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        if not found.exists():
            what = f"this link leads to {found.readlink()}, which does not exist; create it"
        elif not (found.is_dir() and os.access(found, os.W_OK | os.X_OK)):
            what = "nothing can be written here; have it made writable"
        else:
            continue
        raise WorkflowError(f"{found}: {what}, or set another folder in `pathvars`.")


onstart:
    require_writable(path for job in workflow.dag.needrun_jobs() for path in job.output)
