"""The entry point: finds sub-commands, and turns every error into one line and an exit code.

Exit codes (design, "Doubts, settled"): 0 done and clean, 1 not confirmed or findings,
2 misuse or broken input, 3 internal error. Sub-commands are imported when they are called;
those of higher floors are found through the entry-point group `autosota.commands`.
"""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from autosota.server.errors import UserError

OWN = {
    "init": "setup",
    "doctor": "setup",
    "split": "split",
    "run": "campaign",
    "resume": "campaign",
    "status": "campaign",
    "stop": "campaign",
    "steer": "campaign",
    "ideas": "library",
    "show": "library",
    "apply": "library",
    "reject": "library",
    "check": "check",
    "rule": "check",
    "audit": "audit",
    "report": "results",
    "export": "results",
    "verify": "results",
    "kernel": "kernel",
}


class Commands(click.Group):
    """The sub-commands, loaded by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own in the order of work, then those of higher floors."""
        from importlib.metadata import entry_points

        return [*OWN, *sorted(p.name for p in entry_points(group="autosota.commands"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module that holds a command."""
        if cmd_name in OWN:
            module = importlib.import_module(f"autosota.server.cli.{OWN[cmd_name]}_commands")
            command = getattr(module, cmd_name)
        else:
            from importlib.metadata import entry_points

            found = list(entry_points(group="autosota.commands", name=cmd_name))
            if not found:
                return None
            command = found[0].load()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with its whole first sentence, not with the start of it."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                text = " ".join((command.help or "").split("\n\n")[0].split())
                rows.append((name, text))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest known name when there is none."""
        if args and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "; see autosota --help"
            raise UserError(f"no command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="autosota", prog_name="autosota")
def autosota() -> None:
    """Reproduce a paper's baseline, try ideas, and keep only the improvements that survive."""


def main() -> None:
    """Run the command line and exit."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command line; gives the exit code."""
    try:
        result = autosota.main(args=arguments, prog_name="autosota", standalone_mode=False)
    except UserError as error:
        click.echo(f"autosota: {error}", err=True)
        return 2
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        click.echo(f"autosota: {error.format_message()}", err=True)
        if error.ctx is not None:
            click.echo(f"Try: {error.ctx.command_path} --help", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"autosota: {error.format_message()}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("autosota: interrupted", err=True)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left: nothing to say, nobody to say it to
        return 1
    except Exception as error:  # noqa: BLE001 - the last line of defence, it shows the trace
        traceback.print_exc()
        click.echo(f"autosota: internal error: {type(error).__name__}: {error}", err=True)
        return 3
    return result if isinstance(result, int) else 0
