# shellcheck shell=bash disable=SC2154 # the variables are those of run
# What people read is plain, and the codes of requirements have their key.

words=Tests/consistency/words.py
codes=Tests/consistency/requirements.py

# A copy of what the checks read, with one sentence or one code added.
copy=$scratch/language
mkdir -p "$copy/Tests/abi" "$copy/Tests/conformance" "$copy/Tests/consistency" "$copy/docs"
cp Tests/consistency/words.tsv "$copy/Tests/consistency/"
cp Tests/conformance/cases.tsv "$copy/Tests/conformance/"
printf 'The rule stands at the top, and of the two files none is of its own.\n' >"$copy/docs/bad.md"
printf '`stands` and code:\n\n```text\nIt stands here.\n```\n\nThere is none, and it is no longer read.\n' >"$copy/docs/good.md"
unknown=E77 idle=E78
printf '| code | what |\n|---|---|\n| A1 | used |\n| %s | not used |\n' "$idle" >"$copy/docs/requirements.md"
printf '@test("a/name", "A1 %s")\n' "$unknown" >"$copy/Tests/abi/cases.py"

# finds TEXT COMMAND...: the command fails, and one of its lines contains TEXT.
finds() {
    local text=$1 said
    shift
    said=$("$@") && return 1
    grep -qF -- "$text" <<<"$said" || { echo "$said"; return 1; }
}
spares_good() {
    local said
    said=$(python3 "$words" "$copy")
    [[ $said != *good.md* ]]
}

check "documents, manual sources and the header have no pattern of words.tsv" python3 "$words" .
check "each pattern finds its own sentence, and spares plain ones" python3 "$words" . --examples
check "a sentence with a pattern is found" finds "docs/bad.md:1: 'stands'" python3 "$words" "$copy"
check "code and plain sentences are spared" spares_good
check "every requirement in comments and tests is in docs/requirements.md, and each of those is used" python3 "$codes" .
check "a code that is not listed is found" finds "$unknown: not in docs/requirements.md" python3 "$codes" "$copy"
check "a code that nothing uses is found" finds "$idle: in docs/requirements.md, and nothing uses it" python3 "$codes" "$copy"
