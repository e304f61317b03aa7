// One request with a bearer, and when to send it again: 429, 5xx and network trouble, never another 4xx.
'use strict'

const FIRST_WAIT = 1
const LONGEST_WAIT = 15
const MAX_ATTEMPTS = 8
const REQUEST_SECONDS = 40
const MAX_BODY = 1024 * 1024

const isRetryable = (status) => status === 429 || status >= 500
// A mint's own codes with a 5xx that stay until its operator acts.
const PERMANENT = ['internal_error', 'invalid_role_key']

// Seconds that Retry-After asks for; a date is read against the answer's own Date. Otherwise 0.
function retryAfter(headers) {
  const value = (headers.get('retry-after') ?? '').trim()
  if (/^\d{1,9}$/.test(value)) return Number(value)
  const seconds = (Date.parse(value) - Date.parse(headers.get('date') ?? '')) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0
}

// Time and attempts of one operation; half of each wait is jitter.
class Attempts {
  constructor(totalSeconds) {
    this.ends = performance.now() + totalSeconds * 1000
    this.made = 0
  }

  get left() {
    return Math.max(1, (this.ends - performance.now()) / 1000)
  }

  // False, at once, when there is no time or attempt left.
  async wait(asked = 0) {
    this.made += 1
    const own = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.made - 1)) * (0.5 + Math.random() / 2)
    const seconds = Math.max(asked, own)
    if (this.made >= MAX_ATTEMPTS || performance.now() + seconds * 1000 >= this.ends) return false
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    return true
  }
}

// One exchange. Throws an Error whose message names host and cause, and never a credential.
async function exchange(method, url, { bearer, headers = {}, body, seconds = REQUEST_SECONDS }) {
  const { host } = new URL(url)
  try {
    const response = await fetch(url, {
      method,
      headers: {
        Authorization: `Bearer ${bearer}`,
        'User-Agent': 'fullsend-mint-token-action',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'manual', // a redirect would carry the bearer to whichever host it names
      signal: AbortSignal.timeout(Math.ceil(Math.min(seconds, REQUEST_SECONDS) * 1000)),
    })
    return { status: response.status, headers: response.headers, text: await read(response) }
  } catch (error) {
    const cause = error.name === 'TimeoutError' ? 'no answer in time' : (error.cause?.code ?? error.message)
    const failure = new Error(`the connection to ${host} failed (${cause})`)
    failure.certificate = /CERT|VERIFY/.test(cause) // as node and OpenSSL name what is wrong with one
    throw failure
  }
}

async function read(response) {
  const pieces = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > MAX_BODY) throw new Error('the answer is too large')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

// One exchange, repeated as long as that makes sense; the last answer, whatever it is.
async function send(method, url, { totalSeconds, ...options }) {
  const attempts = new Attempts(totalSeconds)
  for (;;) {
    try {
      const answer = await exchange(method, url, { ...options, seconds: attempts.left })
      if (!isRetryable(answer.status) || !(await attempts.wait(retryAfter(answer.headers)))) return answer
    } catch (error) {
      if (!(await attempts.wait())) throw error
    }
  }
}

function jsonObject(text) {
  try {
    const value = JSON.parse(text)
    return value && typeof value === 'object' && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}

module.exports = { Attempts, PERMANENT, exchange, isRetryable, jsonObject, retryAfter, send }
