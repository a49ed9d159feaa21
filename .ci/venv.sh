# Sourced by ../try and ../check: makes the virtual environment ready, quickly if nothing changed.
#
#   prepare_venv LEVEL     LEVEL is "run" (raceproof alone) or "dev" (with the tools for its tests)
#
# Expects $root, the project directory. Sets $venv. Everything it says goes to standard error, so
# that standard output belongs to the command that follows. Exits with 69 if the set-up fails.
#
# $venv/raceproof-setup says what is installed: the level, and a key of all that the installation
# depends on. While an installation runs it says "unfinished"; one that was interrupted is thus
# made anew the next time, and one whose pyproject.toml has changed is brought up to date.

set_up_failed() {
    printf 'raceproof set-up: %s\n' "$@" >&2
    exit 69
}

# The version of an interpreter, of the one that a virtual environment is based on if it is inside
# one, on three lines: short (3.13, or 3.13t for a free-threaded build), executable, full version.
python_facts() {
    "$1" -c '
import sys, sysconfig
short = "%d.%d" % sys.version_info[:2]
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    short += "t"
print(short)
print(getattr(sys, "_base_executable", None) or sys.executable)
print(" ".join(sys.version.split()))
if sys.version_info < (3, 11):
    sys.exit(3)
' 2>/dev/null
}

prepare_venv() {
    level=$1
    python=${PYTHON:-python3}

    facts=$(python_facts "$python")
    case $? in
        0) ;;
        3) set_up_failed "$python is too old: raceproof needs Python 3.11 or newer." \
               "Name a newer one, for example: PYTHON=python3.13 $0" ;;
        *) set_up_failed "cannot run the Python interpreter '$python'." \
               "Install Python 3.11 or newer, or name one: PYTHON=python3.13 $0" ;;
    esac
    {
        read -r short
        read -r base
        read -r full
    } <<EOF
$facts
EOF

    # One environment for each interpreter that is asked for by name.
    venv=$root/.venv
    [ -z "${PYTHON:-}" ] || venv=$root/.venv-$short
    stamp=$venv/raceproof-setup
    key="$root $full $(cksum < "$root/pyproject.toml")"

    have_level=
    have_key=
    if [ -f "$stamp" ]; then
        {
            read -r have_level
            read -r have_key
        } < "$stamp"
    fi

    # Is there an environment, does its Python still start, and is it of the version asked for?
    works=no
    if [ -x "$venv/bin/python" ]; then
        venv_facts=$(python_facts "$venv/bin/python")
        case $venv_facts in *"
$full") works=yes ;; esac
    fi

    if [ "$works" = yes ] && [ "$have_key" = "$key" ] && [ -x "$venv/bin/raceproof" ]; then
        case $have_level/$level in
            run/run | dev/*) return 0 ;;
        esac
    fi

    # Keep what works, except where the project has been moved: scripts hold absolute paths.
    case $have_key in
        "" | "$root "*) ;;
        *) works=no ;;
    esac
    if [ "$works" = no ] || [ "$have_level" = unfinished ] ||
        ! "$venv/bin/python" -m pip --version > /dev/null 2>&1; then
        if [ -e "$venv" ] || [ -L "$venv" ]; then
            echo "raceproof set-up: making ${venv##*/} anew (it is broken, unfinished or of another Python)" >&2
            rm -rf "$venv" || set_up_failed "cannot remove $venv."
        fi
        echo "raceproof set-up: making ${venv##*/} with Python $short" >&2
        mkdir "$venv" && echo unfinished > "$stamp" ||
            set_up_failed "cannot write to $root."
        "$base" -m venv "$venv" >&2 ||
            set_up_failed "'$base -m venv' failed; see the message above." \
                "On Debian and Ubuntu the module comes with: apt install python$short-venv" \
                "Or name another interpreter: PYTHON=python3.13 $0"
    fi

    # A dev environment stays one: ./try after ./check does not take the test tools' stamp away.
    [ "$have_level" != dev ] || level=dev
    what=$root
    [ "$level" = run ] || what="$root[dev]"
    echo unfinished > "$stamp" || set_up_failed "cannot write to $venv."
    echo "raceproof set-up: installing into ${venv##*/} (once; it takes up to a minute)" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what" >&2 ||
        set_up_failed "the installation failed; see the message above." \
            "It needs network access to the package index that pip is configured for."
    printf '%s\n%s\n' "$level" "$key" > "$stamp" || set_up_failed "cannot write to $venv."
}
