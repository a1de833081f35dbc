"""Create the executor for a plan with steps on a Dask cluster.

Takes the plan and the settings of the run. Returns an executor, with a line that describes the cluster. Refuses a
cluster in which no worker can execute steps as this machine would, and steps whose resources no worker offers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import replace
from glob import glob
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.engine.dask.dask_executor import DaskExecutor
from pipespec.engine.dask.open_cluster import OpenCluster, answers, dask_logging_to, opened_cluster
from pipespec.engine.dask.project_archive import ProjectArchive, pack
from pipespec.engine.dask.step_host import NO_FOLDER, StepHost, Visit, refusals
from pipespec.engine.processes.executors import Executor, OpenExecutor
from pipespec.engine.run_settings import RunSettings
from pipespec.errors import ClusterUnavailableError, UsageError, counted
from pipespec.plan.plan import Plan
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, StepSpec
from pipespec.spec.resource_amounts import spelled_amount
from pipespec.step.failure import one_line

__all__ = ["opened_dask"]

_ANSWER_LIMIT: Final = 10.0
"""Seconds in which a worker must answer before the run begins. One that hangs would hold it up until Dask gives it up, which takes minutes."""

_SILENT: Final = f"it has not answered for {_ANSWER_LIMIT:g} s"

_TOLD_LIMIT: Final = 120.0
"""Seconds in which all workers must have been told of the run, and have unpacked the project where they do not see it."""


@contextlib.contextmanager
def opened_dask(
    plan: Plan,
    settings: RunSettings,
    *,
    token: str,
    folder: Path,
    modules: tuple[str, ...],
    others: Executor,
) -> Iterator[OpenExecutor]:
    """Open the cluster, and tell its workers about the run. `folder` belongs to the run.

    Raises:
        UsageError: if no worker can execute the steps of the plan.
        ClusterUnavailableError: if there is no cluster.
    """
    archive: ProjectArchive | None = None
    steps = [each.step for each in plan.decisions.values() if settings.is_on_cluster(each.step)]
    name = f"pipespec-{token}"
    sign = folder / name
    sign.write_text(name, encoding="utf-8")
    with (
        dask_logging_to(settings.state.logs / f"{token}-dask.log"),
        opened_cluster(
            settings.cluster,
            places=settings.cluster_places,
            folder=folder,
            module_folders=plan.pipeline.module_folders,
        ) as cluster,
    ):
        visit = Visit(
            name=name,
            topic=cluster.topic,
            root=str(plan.pipeline.root),
            sign=str(sign),
            python=".".join(platform.python_version_tuple()[:2]),
            pipespec=version("pipespec"),
            packages={
                package: plan.facts.packages.get(package)
                for step in steps
                for package in step.identity.packages
            },
            modules=modules,
            environment=plan.pipeline.engine.env,
            grace=settings.grace,
        )
        workers = cluster.workers
        unfit = _introduce(cluster, visit, workers)
        is_elsewhere = any(why.startswith(NO_FOLDER) for why in unfit.values())
        if is_elsewhere or not workers:
            archive = _archive(plan, steps, settings)
            unfit = _introduce(cluster, replace(visit, archive=archive), workers)
        _require_fit(cluster, workers, unfit)
        _require_resources(cluster, steps, settings, {k: v for k, v in workers.items() if k not in unfit})
        executor = DaskExecutor(
            cluster,
            name,
            unfit=unfit,
            threads={worker: known["nthreads"] for worker, known in workers.items()},
            places=settings.cluster_places,
            grace=settings.grace,
            others=others,
        )
        with contextlib.closing(executor):
            yield OpenExecutor(executor, _notes(cluster, workers, unfit, archive))


def _archive(plan: Plan, steps: list[StepSpec], settings: RunSettings) -> ProjectArchive:
    """Pack the project, with the files that steps declare as inputs."""
    root = plan.pipeline.root
    names = set(settings.travelling_files(root))
    for source in (one.source for step in steps for one in step.inputs.values()):
        match source:
            case FileInput(path=path):
                names.add(os.path.relpath(path, root))
            case DirInput(path=path):
                names.update(os.path.relpath(file, root) for file in Path(path).rglob("*"))
            case FilesInput(pattern=pattern):
                names.update(os.path.relpath(file, root) for file in glob(pattern, recursive=True))  # noqa: PTH207 - absolute
            case _:
                pass
    below = {name for name in names if not name.startswith(os.pardir)}
    return pack(root, below, plan.facts.sources)


def _introduce(cluster: OpenCluster, visit: Visit, workers: Mapping[str, object]) -> dict[str, str]:
    """Tell the workers about the run, and return those that cannot execute its steps, each with the reason."""
    client = cluster.client
    # Before any code of ours is sent: functions that every Python has.
    found = answers(client, workers, platform.python_version, limit=_ANSWER_LIMIT)
    ours = answers(client, found, version, "pipespec", limit=_ANSWER_LIMIT)
    unfit = {}
    for worker in workers:
        python = str(found.get(worker, "")).rpartition(".")[0]
        if worker not in ours:
            unfit[worker] = _SILENT
        elif python != visit.python:
            unfit[worker] = f"it has Python {python}, and this run {visit.python}"
        elif isinstance(ours.get(worker), Exception):
            unfit[worker] = f"it has no package 'pipespec': pip install pipespec=={visit.pipespec}"
    try:
        _tell(client, StepHost(visit), limit=_ANSWER_LIMIT if _SILENT in unfit.values() else _TOLD_LIMIT)
    except Exception as error:
        if not unfit:
            raise ClusterUnavailableError(
                f"the workers at {cluster.address} do not take what runs steps: {type(error).__name__}: {one_line(str(error))}"
            ) from error
    fit = [worker for worker in workers if worker not in unfit]
    told = answers(client, fit, refusals, visit.name, limit=_ANSWER_LIMIT)
    unfit |= {worker: str(why) for worker in fit if (why := told.get(worker, _SILENT))}
    return unfit


def _tell(client: Any, host: StepHost, *, limit: float) -> None:
    """Tell the workers of the run, and those that come later. If one hangs, not all of the others may know of it within the limit."""

    async def tell() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.register_plugin(host), limit)

    client.sync(tell)


def _require_fit(cluster: OpenCluster, workers: Mapping[str, object], unfit: Mapping[str, str]) -> None:
    if workers and len(unfit) == len(workers):
        if all(why == _SILENT for why in unfit.values()):
            raise ClusterUnavailableError(
                f"no worker of the Dask cluster at {cluster.address} has answered for {_ANSWER_LIMIT:g} s; nothing was run, repeat the command once"
                " they do"
            )
        worker, why = next(iter(unfit.items()))
        more = f" (and {len(unfit) - 1} more)" if len(unfit) > 1 else ""
        raise UsageError(
            f"no worker of the Dask cluster at {cluster.address} can run the steps: {worker}{more}: {why}"
        )


def _require_resources(
    cluster: OpenCluster,
    steps: list[StepSpec],
    settings: RunSettings,
    workers: Mapping[str, Mapping[str, Any]],
) -> None:
    """Refuse steps that would wait forever."""
    if cluster.is_elastic or not workers:
        return
    offers = [worker["resources"] for worker in workers.values()]
    for step in steps:
        needs = settings.cluster_resources(step)
        if not any(all(offer.get(name, 0) >= amount for name, amount in needs.items()) for offer in offers):
            wanted = ", ".join(
                f"{spelled_amount(name, amount)} of resource {quote(name)}" for name, amount in needs.items()
            )
            raise UsageError(
                f"step {quote(step.id)} needs {wanted}, which no worker of the Dask cluster at {cluster.address} offers; "
                f"start one with: dask worker {cluster.address} --resources "
                + quote(" ".join(f"{name}={amount}" for name, amount in needs.items()))
            )


def _notes(
    cluster: OpenCluster,
    workers: Mapping[str, Mapping[str, Any]],
    unfit: Mapping[str, str],
    archive: ProjectArchive | None,
) -> tuple[str, ...]:
    fit = [worker for worker in workers if worker not in unfit]
    threads = sum(workers[worker]["nthreads"] for worker in fit)
    count = f"{counted(len(fit), 'worker')} with {counted(threads, 'thread')}"
    place = (
        "in the project's own folder"
        if archive is None
        else f"which get the project as an archive of {len(archive.content) / 1000:,.0f} kB where they do not see its folder"
    )
    return (
        f"Dask at {cluster.address}: {count}, {place}",
        *(f"Dask worker {worker} is not used: {why}" for worker, why in unfit.items()),
    )
