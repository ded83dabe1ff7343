"""`abstractor user`, `sign`, `unlock`, `signatures`: people, their roles, and what they put their names to."""

from typing import TYPE_CHECKING

import click

from abstractor.cli.options import ErrorGroup, acting, db_option, opened, user_option
from abstractor.tui.safe import safe_lines

if TYPE_CHECKING:
    from abstractor.registry.people import Person
    from abstractor.registry.signatures import Signature

_reason_option = click.option("--reason", default="", help="Why; it stands in the trail.")


@click.group(cls=ErrorGroup)
def user() -> None:
    """People and their roles. The first person added switches the roles on, and must be you, as admin.

    \b
    Example: abstractor user add mortiz --role admin
             abstractor user add rchen --name "Dr R. Chen" --role abstractor
             abstractor user list
    """  # noqa: D301  (click wants the control character)


@user.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role; may be given more than once.")
@click.option("--login", default="", help="Login of the system or of the PostgreSQL server; default: NAME.")
@click.option("--name", "full_name", default="", help="The name as it is printed beside signatures; default: NAME.")
@db_option
def add(name: str, roles: tuple[str, ...], login: str, full_name: str, db: str) -> None:
    """Adds a person.

    Example: abstractor user add rchen --name "Dr R. Chen" --role abstractor
    """
    from abstractor.registry.people_changes import add_person

    with opened(db) as registry:
        _tell(add_person(registry, name, roles, login=login, full_name=full_name))


@user.command("list")
@db_option
def list_(db: str) -> None:
    """Lists everybody with their login and roles, then what each role may do.

    Example: abstractor user list
    """
    from abstractor.registry.people import people
    from abstractor.registry.roles import roles

    with opened(db) as registry:
        known = people(registry)
    if not known:
        click.echo("nobody was added: the roles are off, and everybody who can open the registry may do everything")
    for one in known:
        click.echo(safe_lines(_line(one)))
    click.echo("")
    for name, role in roles().role.items():
        click.echo(
            f"{name:14} {role.label}: {'; '.join(roles().power[key] for key in roles().power if key in role.may)}"
        )


@user.command()
@click.argument("name")
@click.argument("role")
@db_option
def grant(name: str, role: str, db: str) -> None:
    """Gives a person a role.

    Example: abstractor user grant rchen second_reader
    """
    from abstractor.registry.people_changes import grant as give

    with opened(db) as registry:
        _tell(give(registry, name, role))


@user.command()
@click.argument("name")
@click.argument("role")
@_reason_option
@db_option
def revoke(name: str, role: str, reason: str, db: str) -> None:
    """Takes a role from a person.

    Example: abstractor user revoke rchen second_reader
    """
    from abstractor.registry.people_changes import revoke as take

    with opened(db) as registry:
        _tell(take(registry, name, role, reason))


@user.command()
@click.argument("name")
@_reason_option
@db_option
def disable(name: str, reason: str, db: str) -> None:
    """Bars a person who left; what they did stays in their name.

    Example: abstractor user disable rchen --reason "left the hospital"
    """
    from abstractor.registry.people_changes import disable as bar

    with opened(db) as registry:
        _tell(bar(registry, name, reason))


@user.command()
@click.argument("name")
@_reason_option
@db_option
def enable(name: str, reason: str, db: str) -> None:
    """Lets a person who was barred work again.

    Example: abstractor user enable rchen
    """
    from abstractor.registry.people_changes import enable as let

    with opened(db) as registry:
        _tell(let(registry, name, reason))


@user.command("break-glass")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@db_option
def break_glass(reason: str, db: str) -> None:
    """Lets an administrator read patients for an hour; it is logged.

    Example: abstractor user break-glass --reason "restoring after the disk failed"
    """
    from abstractor.registry.people_changes import break_glass as smash

    with opened(db) as registry:
        click.echo(f"you may read until {smash(registry, reason)}; it is logged", err=True)


@user.command("idle-limit")
@click.argument("minutes", type=int, required=False)
@db_option
def idle_limit(minutes: int | None, db: str) -> None:
    """Sets after how many minutes without a key every screen on this registry is covered at the latest; without MINUTES, tells it.

    The setting of a person (idle_minutes) can only be shorter.

    Example: abstractor user idle-limit 10
    """
    from abstractor.registry.policy import set_idle_limit, standing

    with opened(db) as registry:
        if minutes is not None:
            set_idle_limit(registry, minutes)
        found = standing(registry)
    if found is None:
        click.echo("nobody was added: there is no limit, each person's own setting counts")
    else:
        click.echo(f"screens are covered after {found.idle_minutes} minutes without a key, or sooner")


@click.command()
@click.argument("patient")
@click.option(
    "--meaning", default="abstracted", show_default=True, help="abstracted, reviewed, adjudicated, approved, locked."
)
@db_option
@user_option
def sign(patient: str, meaning: str, db: str, user: str | None) -> None:
    """Signs what holds for a patient, who must be closed; from then on nothing is changed until the patient is unlocked.

    Example: abstractor sign 0012 --meaning reviewed
    """
    from abstractor.registry.signatures import sign as put_name

    with opened(db, real=True) as registry:
        done = put_name(registry, patient, meaning, acting(user, registry))
    click.echo(safe_lines(_signature_line(done)), err=True)


@click.command()
@click.argument("patient")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@db_option
@user_option
def unlock(patient: str, reason: str, db: str, user: str | None) -> None:
    """Voids the signatures of a patient, so that something can be changed.

    Example: abstractor unlock 0012 --reason "pathology was amended"
    """
    from abstractor.registry.signatures import unlock as void

    with opened(db, real=True) as registry:
        done = void(registry, patient, acting(user, registry), reason)
    click.echo(safe_lines(_signature_line(done)), err=True)


@click.command()
@click.argument("patient")
@db_option
def signatures(patient: str, db: str) -> None:
    """Lists who signed a patient, when, and what it means.

    Example: abstractor signatures 0012
    """
    from abstractor.registry.notes import patients
    from abstractor.registry.signatures import signatures as signed

    with opened(db) as registry:
        if patient not in patients(registry):
            from abstractor.model.errors import InputError

            raise InputError(f"patient {patient}: not in this registry")
        found = signed(registry, patient)
    for one in found:
        click.echo(safe_lines(_signature_line(one)))
    if not found:
        click.echo("not signed")


def _tell(person: "Person") -> None:
    click.echo(safe_lines(_line(person)), err=True)


def _line(one: "Person") -> str:
    roles = ", ".join(sorted(one.roles)) or "no role"
    return f"{one.name:14} {one.full_name} (login {one.login}): {roles}" + ("" if one.enabled else " (barred)")


def _signature_line(one: "Signature") -> str:
    says = f"{one.signed_at}  {one.meaning:12} {one.printed_name} ({one.signed_by})"
    if one.reason:
        return f"{says}: {one.reason}"
    if not one.stands:
        return f"{says}  void"
    return says if one.fits else f"{says}  DOES NOT FIT what holds now: run `abstractor verify`"
