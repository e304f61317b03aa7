// Which mint is asked when, and what its answer means.
'use strict'

const { randomUUID } = require('node:crypto')

const { notice } = require('./commands')
const { ActionError } = require('./errors')
const {
  Attempts, MIN_ATTEMPT_SECONDS, PERMANENT, TooLargeError, exchange, isRetryable, jsonObject, retryAfter,
} = require('./http')

const TOTAL_SECONDS = 60

const FIX = ' Fix: '

// Timers fire a moment early by the clock that is read here.
const EARLY_MS = 50

// Tries the mints in turn until one answers: the next without waiting if one is unreachable or answers 5xx, and none
// before its Retry-After. A mint that only its operator can repair is not asked again. `identity` gives an OIDC token for
// each request, because a mint may accept a token only once.
async function mint({ mintUrls, body }, identity, env) {
  const attempts = new Attempts(TOTAL_SECONDS)
  const headers = { Accept: 'application/json', 'X-Request-Id': randomUUID().replaceAll('-', '') }
  const notBefore = new Map(mintUrls.map((url) => [url, 0]))
  const last = new Map()
  const final = []
  for (;;) {
    for (const url of [...notBefore.keys()]) {
      if (notBefore.get(url) > performance.now() + EARLY_MS) continue
      if (attempts.left < MIN_ATTEMPT_SECONDS) break
      const bearer = await identity(attempts.left)
      let answer
      try {
        answer = await exchange('POST', `${url}/v1/token`, { bearer, body, headers, seconds: attempts.left, env })
      } catch (error) {
        if (error instanceof TooLargeError) throw notAMint(url, `${error.message}.`)
        const silent = (code) => new ActionError(`The mint did not answer: ${error.message}.`, code)
        if (error.final) {
          notBefore.delete(url)
          last.set(url, silent(error.mintCode ?? (error.certificate ? 'mint_certificate_refused' : 'mint_unreachable')))
          final.push(last.get(url))
        } else {
          last.set(url, silent('mint_unreachable'))
        }
        continue
      }
      if (answer.status === 200) {
        const minted = parsed(answer, url)
        last.delete(url)
        for (const [other, { message }] of last) notice(`Skipped the mint at ${other}: ${message.split(FIX)[0]}`)
        return minted
      }
      const failure = refusal(answer, url, bearer)
      if (!isRetryable(answer.status)) throw failure
      if (PERMANENT.includes(failure.mintCode) || isLasting(answer.headers)) {
        notBefore.delete(url)
        last.set(url, failure)
        final.push(failure)
        continue
      }
      const asked = retryAfter(answer.headers)
      last.set(url, asked + MIN_ATTEMPT_SECONDS > attempts.left ? tooLong(failure, asked) : failure)
      const then = performance.now() + asked * 1000
      notBefore.set(url, then)
      if (answer.status === 429) {
        // This mint works and asks to wait: another mint must not be a way around its limit.
        for (const [other, time] of notBefore) notBefore.set(other, Math.max(time, then))
        break
      }
    }
    const wait = Math.max(0, Math.min(...notBefore.values()) - performance.now()) / 1000
    const failures = [...notBefore.keys()].filter((url) => last.has(url)).map((url) => last.get(url))
    if (!notBefore.size || !(await attempts.wait(wait))) throw together([...final, ...failures])
  }
}

// With this header the mint says that a retry does not help, for any status.
const isLasting = (headers) => (headers['x-should-retry'] ?? '').trim().toLowerCase() === 'false'

function parsed(answer, url) {
  const fields = jsonObject(answer.text)
  const isLine = (value) => typeof value === 'string' && /^[^\p{C}]*$/u.test(value)
  // Tokens are opaque: any length and alphabet that fits in a header. A line break would forge outputs, and a runner
  // obeys what begins with :: or contains ##[ wherever a later step prints it.
  const isToken = (text) => typeof text === 'string' && /^(?!::)[!-~]+$/.test(text) && !text.includes('##[')
  const fits =
    isToken(fields.token) && isLine(fields.expires_at) &&
    Array.isArray(fields.granted_repos) && fields.granted_repos.every(isLine) &&
    fields.granted_permissions && typeof fields.granted_permissions === 'object' &&
    Object.values(fields.granted_permissions).every(isLine)
  if (!fits) throw notAMint(url, 'its answer has no token.')
  const warnings = Array.isArray(fields.warnings) ? fields.warnings : []
  return { ...fields, warnings: warnings.filter((text) => typeof text === 'string').slice(0, 20) }
}

// The mint's error if it sent one; otherwise what the server answered, without our own token if it was echoed.
function refusal(answer, url, identity) {
  const fields = jsonObject(answer.text)
  if (typeof fields.error === 'string' && typeof fields.code === 'string') {
    const said = /^\s*(Fix:|$)/.test(fields.error) ? `The mint answered ${answer.status} without a message. ` : ''
    return new ActionError(said + fields.error.trim(), fields.code, typeof fields.request_id === 'string' ? fields.request_id : undefined)
  }
  if (isRetryable(answer.status)) {
    return new ActionError(`${url} answers ${answer.status} without the mint's error.`, 'mint_not_reached')
  }
  const text = answer.text.replaceAll(identity, '***').trim().slice(0, 200)
  const body = text ? `; it sent: ${text}` : '.'
  return notAMint(url, `it answers ${answer.status} without the mint's error${body}`)
}

const notAMint = (url, why) => new ActionError(`The server at ${url} is not a mint: ${why}`, 'not_a_mint')

// The hint of the code promises a retry, which does not come if Retry-After does not fit the time that is left.
function tooLong(failure, asked) {
  const said = failure.message.split(FIX)[0].replace(/[^.!?]$/, '$&.')
  const what = `${said} The mint asks to wait ${Math.ceil(asked)} seconds, longer than the action waits.`
  const fix = 'Run the job again after that time. If the mint asks for the same again, tell its operator.'
  return new ActionError(what + FIX + fix, failure.mintCode, failure.requestId)
}

function together(failures) {
  const told = failures.find((failure) => failure.requestId) ?? failures.at(-1)
  if (failures.length === 1) return told
  const parts = failures.map((failure) => failure.message.split(FIX))
  const fix = told.message.split(FIX).slice(1).at(-1)
  const text = `All ${failures.length} mints failed: ${parts.map(([said]) => said).join(' / ')}`
  return new ActionError(fix ? text + FIX + fix : text, told.mintCode, told.requestId)
}

module.exports = { mint, refusal }
