"""The completion scripts in the shells themselves: what each offers on a command line whose cursor is at the end."""
import os
import pty
import select
import shlex
import subprocess
import tempfile

from manual import check, output

PATIENCE_S = 30


class Shell:
    """`offers` is a list of what can stand in the place of the last word, which may be empty."""

    def __init__(self, scripts):
        self.scripts = scripts
        self.home = tempfile.TemporaryDirectory(prefix="telemetry-completion-")
        # Files to complete.
        for name in ("tool.yaml", "top secret.yaml"):
            open(os.path.join(self.home.name, name), "w").close()
        self.environment = {"HOME": self.home.name, "PATH": f"{self.home.name}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TERM": "dumb"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.home.cleanup()

    def run(self, *command):
        return output(*command, env=self.environment, cwd=self.home.name)


class Bash(Shell):
    """As readline would call the function. `words`: the line, split as COMP_WORDBREAKS has it."""

    def __init__(self, scripts, loaded=()):
        super().__init__(scripts)
        self.loaded = loaded

    def offers(self, line):
        words = split(line)
        source = "".join(f". {shlex.quote(path)}\n" for path in [*self.loaded, os.path.join(self.scripts, "telemetry.bash")])
        script = f"""{source}
            COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}
            COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
            function=$(complete -p telemetry | sed 's/.*-F \\([^ ]*\\).*/\\1/')
            "$function" telemetry {shlex.quote(words[-1])} {shlex.quote(words[-2])}
            [ ${{#COMPREPLY[@]}} -eq 0 ] || printf '%s\\n' "${{COMPREPLY[@]}}" """
        return self.run("bash", "--norc", "--noprofile", "-c", script).splitlines()

    def run_line(self, line):
        """The arguments of the command that an interactive bash runs when a person types `line`."""
        answers, ours = os.pipe()
        terminal, theirs = pty.openpty()
        setup = os.path.join(self.home.name, "bashrc")
        with open(setup, "w") as file:
            file.write(f". {shlex.quote(os.path.join(self.scripts, 'telemetry.bash'))}\ntelemetry() {{ printf '%s\\n' \"$@\" end >&{ours}; }}\n")
        shell = subprocess.Popen(["bash", "--noprofile", "--rcfile", setup, "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                                 pass_fds=[ours], start_new_session=True, env=self.environment, cwd=self.home.name)
        os.close(theirs)
        os.close(ours)
        try:
            os.write(terminal, line.encode())
            return Terminal(terminal, answers).answer(lambda text: text.endswith("end\n")).splitlines()[:-1]
        finally:
            shell.kill()
            shell.wait()
            os.close(terminal)
            os.close(answers)


def split(line):
    """`--tool=x` is three words for bash, `--tool=` two."""
    words = []
    for word in line.split(" "):
        for separator in "=:":
            word = word.replace(separator, f" {separator} ")
        words += word.split() or [""]
    return words


class Terminal:
    """A shell on a terminal, and a pipe through which it answers."""

    def __init__(self, terminal, answers):
        self.terminal = terminal
        self.answers = answers
        self.screen = b""

    def answer(self, ended):
        """What comes through the pipe; the terminal is read meanwhile, or the shell would wait."""
        text = ""
        while not ended(text):
            ready = select.select([self.answers, self.terminal], [], [], PATIENCE_S)[0]
            check(ready, f"no answer but {text!r}; the screen: {self.screen!r}")
            if self.terminal in ready:
                self.screen += os.read(self.terminal, 65536)
            if self.answers in ready:
                text += os.read(self.answers, 65536).decode()
        return text


class Fish(Shell):
    def offers(self, line):
        script = f"source {shlex.quote(os.path.join(self.scripts, 'telemetry.fish'))}; complete -C {shlex.quote(line)}"
        # Behind a tab stands the description.
        return [answer.split("\t")[0] for answer in self.run("fish", "--no-config", "-c", script).splitlines()]


class Zsh(Shell):
    """An interactive zsh on a terminal of its own. What the completion system adds is written to a pipe."""

    SETUP = """
        PROMPT= RPROMPT= ; unsetopt zle_bracketed_paste beep prompt_cr prompt_sp 2>/dev/null
        fpath=($SCRIPTS $fpath)
        autoload -Uz compinit && compinit -u -D
        zstyle ':completion:*' completer _complete
        compadd() {
            # With -O, -A or -D it adds nothing; else the same call tells what it would add.
            if [[ " ${(j: :)@[1,(i)(-|--)]} " == *\\ -[a-zA-Z]#[OAD]\\ * ]]; then
                builtin compadd "$@"
                return
            fi
            local -a found
            builtin compadd -O found "$@"
            (( $#found )) && print -ru $ANSWERS -l -- $found
            builtin compadd "$@"
        }
        offer() { _main_complete; print -ru $ANSWERS -- ; compstate[insert]= compstate[list]= }
        zle -C offer complete-word offer
        bindkey '^I' offer
        setopt extended_glob
        print -ru $ANSWERS -- ready
    """

    def __enter__(self):
        with open(os.path.join(self.home.name, ".zshrc"), "w") as file:
            file.write(self.SETUP)
        self.answers, ours = os.pipe()
        self.terminal, theirs = pty.openpty()
        self.shell = subprocess.Popen(
            ["zsh", "-d", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, pass_fds=[ours], start_new_session=True, cwd=self.home.name,
            env={**self.environment, "ZDOTDIR": self.home.name, "SCRIPTS": self.scripts, "ANSWERS": str(ours)})
        os.close(theirs)
        os.close(ours)
        self.conversation = Terminal(self.terminal, self.answers)
        check(self.conversation.answer(lambda text: "\n" in text) == "ready\n", "zsh does not start")
        return self

    def __exit__(self, *_):
        self.shell.kill()
        self.shell.wait()
        os.close(self.terminal)
        os.close(self.answers)
        super().__exit__()

    def offers(self, line):
        # ^U empties the line that the question before has left.
        os.write(self.terminal, b"\x15" + line.encode() + b"\t")
        answer = self.conversation.answer(lambda text: text == "\n" or text.endswith("\n\n"))
        return sorted(set(answer.splitlines()) - {""})
