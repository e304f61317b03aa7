// What the runner reads from us: workflow commands on stdout, and the files for outputs and state.
'use strict'

const { randomUUID } = require('node:crypto')
const { appendFileSync } = require('node:fs')

const hints = require('../hints.json')
const { ActionError } = require('./errors')

// GitHub: "Workflow commands". Unescaped line breaks would let an answer from outside issue commands.
const escapeData = (text) => String(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const escapeProperty = (text) => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

const say = (line) => process.stdout.write(`${line}\n`)
const mask = (secret) => say(`::add-mask::${escapeData(secret)}`)
const notice = (text) => say(oneLine(text))
const warn = (text) => say(`::warning title=Mint token::${escapeData(oneLine(text))}`)

// Attack: a runner obeys a line whose first characters after blanks are `::`, and `##[` anywhere in a line.
const withoutCommands = (text) => text.replace(/^(\s*)::/gm, '$1: :').replaceAll('##[', '## [')

// Text from outside as one line that cannot be a command.
function oneLine(text) {
  return withoutCommands(String(text).replace(/[\p{C}\s]+/gu, ' ').trim()).slice(0, 1000)
}

// Our own sentences and a mint's end with a fix, which knows the request; it replaces the hint of the code.
function explained(error) {
  const [said, ...fixes] = oneLine(error.message).split(/(?:^|(?<=\s))Fix:/).map((part) => part.trim())
  const fix = fixes.filter(Boolean).join(' ') || undefined
  const hint = Object.hasOwn(hints, error.mintCode ?? '') ? hints[error.mintCode ?? ''] : hints['']
  return `${said}\nFix: ${fix ?? hint}`
}

function annotateError(error) {
  const code = error.mintCode
  const facts = [code && `code ${code}`, error.requestId && `request id ${error.requestId}`].filter(Boolean)
  const text = explained(error) + (facts.length ? `\n${facts.map(oneLine).join(', ')}` : '')
  say(`::error title=${escapeProperty(`Mint token${code ? `: ${oneLine(code)}` : ''}`)}::${escapeData(text)}`)
}

// `name<<DELIMITER` with a delimiter that cannot be guessed: a value cannot end itself and begin another name.
function append(env, variable, name, value) {
  const delimiter = `mint_${randomUUID()}`
  appendToFile(env, variable, `${name}<<${delimiter}\n${value}\n${delimiter}\n`)
}

function appendToFile(env, variable, text) {
  try {
    appendFileSync(env[variable], text)
  } catch (error) {
    const what = `${variable} names a file that cannot be written (${error.code ?? error.message}): ${env[variable]}.`
    const fix = `Do not set ${variable}: the runner sets it for each step. If the runner set it, check its disk.`
    throw Object.assign(new ActionError(`${what} Fix: ${fix}`, 'runner_variable_missing'), { code: error.code })
  }
}

// Throws unless the file can be written; an empty text changes nothing in it.
const checkWritable = (env, variable) => appendToFile(env, variable, '')

const setOutput = (env, name, value) => append(env, 'GITHUB_OUTPUT', name, value)
const saveState = (env, name, value) => append(env, 'GITHUB_STATE', name, value)

module.exports = { annotateError, checkWritable, escapeData, escapeProperty, mask, notice, oneLine, saveState, setOutput, warn }
