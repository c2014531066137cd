/**
 * Completion scripts of the shells. Pure.
 *
 * The texts in them come from the table of commands; quoting keeps whatever stands there from being
 * read by a shell.
 *
 * @module
 */

import type { CommandWords, OptionWord } from "./completion-words.ts";

/** Shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;
/** One of them. */
export type Shell = (typeof shells)[number];

/** A word for bash and zsh, in single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A word for fish, which knows two escapes inside single quotes. */
function quoteFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`;
}

function namesOf({ name, short }: OptionWord): string[] {
  return short === undefined ? [name] : [short, name];
}

function namesByValue(options: readonly OptionWord[], value: OptionWord["value"]): string {
  const names = options.filter((option) => option.value === value).flatMap(namesOf);
  return ` ${names.join(" ")} `;
}

function bashCase({ name, options, words, takesFiles }: CommandWords): string {
  const all = [...words, ...options.flatMap(namesOf), "--help"];
  return `  ${name})
    words=${quote(all.join(" "))}
    before_file=${quote(namesByValue(options, "file"))}
    before_value=${quote(namesByValue(options, "other"))}
    takes_files=${takesFiles ? "yes" : "no"} ;;
`;
}

/** Without the package bash-completion, too. */
function formatBash(commands: readonly CommandWords[]): string {
  const names = [...commands.map(({ name }) => name), "help"].join(" ");
  return `# Completion of appliance for bash; written by "appliance completion bash".
_appliance() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local words before_file before_value takes_files
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ${quote(names)} -- "$current")
    return
  fi
  case \${COMP_WORDS[1]} in
  help)
    words=${quote(names)} before_file= before_value= takes_files=no ;;
${commands.map(bashCase).join("")}  *)
    return ;;
  esac
  case $before_value in *" $previous "*) return ;; esac
  case $before_file in *" $previous "*) words= takes_files=yes ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ "$takes_files" = yes ]; then
    compopt -o filenames 2> /dev/null
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _appliance appliance
`;
}

/** \`[text]\` of a specification of _arguments. */
function zshAbout({ about }: OptionWord): string {
  return about === "" ? "" : `[${about.replaceAll(/[\\[\]:]/g, String.raw`\$&`)}]`;
}

function zshOption(option: OptionWord): string {
  const { value } = option;
  const action = value === undefined ? "" : `:value:${value === "file" ? "_files" : ""}`;
  const names = namesOf(option);
  const others = names.length > 1 ? `(${names.join(" ")})` : "*";
  return names
    .map((name) => `      ${quote(`${others}${name}${zshAbout(option)}${action}`)} \\\n`)
    .join("");
}

function zshCase({ name, options, words, takesFiles }: CommandWords): string {
  const operands = takesFiles ? "_files" : `(${words.join(" ")})`;
  const rest = words.length > 0 || takesFiles ? ` ${quote(`*:operand:${operands}`)}` : "";
  return `    ${name})
      _arguments \\
${options.map(zshOption).join("")}      '--help[tell more of it]'${rest} ;;
`;
}

function formatZsh(commands: readonly CommandWords[]): string {
  const described = commands.map(
    ({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(":", String.raw`\:`)}`)}\n`,
  );
  return `#compdef appliance
# Completion of appliance for zsh; written by "appliance completion zsh".
_appliance() {
  local -a commands
  commands=(
${described.join("")}    'help:Tell what a command does'
  )
  if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(zshCase).join("")}  esac
}
if [ "$funcstack[1]" = _appliance ]; then
  _appliance "$@"
else
  compdef _appliance appliance
fi
`;
}

function fishOption(option: OptionWord, condition: string): string {
  const { name, short, value, about } = option;
  const long = name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
  const both = short === undefined ? long : `${long} -s ${short.slice(1)}`;
  const follows = value === undefined ? "" : value === "file" ? " -r -F" : " -x";
  const text = about === "" ? "" : ` -d ${quoteFish(about)}`;
  return `${condition} ${both}${follows}${text}\n`;
}

function fishCommand({ name, summary, options, words, takesFiles }: CommandWords): string {
  const condition = `complete -c appliance -n '__fish_seen_subcommand_from ${name}'`;
  const operands = words.length > 0 ? `${condition} -a ${quoteFish(words.join(" "))}\n` : "";
  const files = takesFiles ? `${condition} -F\n` : "";
  return `complete -c appliance -n __fish_use_subcommand -a ${name} -d ${quoteFish(summary)}
${operands}${files}${options.map((one) => fishOption(one, condition)).join("")}`;
}

function formatFish(commands: readonly CommandWords[]): string {
  return `# Completion of appliance for fish; written by "appliance completion fish".
complete -c appliance -f
complete -c appliance -l help -s h -d 'Tell more of it'
complete -c appliance -n __fish_use_subcommand -a help -d 'Tell what a command does'
${commands.map(fishCommand).join("")}`;
}

const formatters: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = {
  bash: formatBash,
  zsh: formatZsh,
  fish: formatFish,
};

/** The script that completes `commands` in `shell`. */
export function formatCompletion(shell: Shell, commands: readonly CommandWords[]): string {
  return formatters[shell](commands);
}
