// The one error the action shows: a sentence, the stable code its hint is found under, the mint's request id.
'use strict'

class ActionError extends Error {
  constructor(message, code, requestId) {
    super(message)
    this.mintCode = code
    this.requestId = requestId
  }
}

// Its sentence says what to change in the workflow; the hint of its code, which is for a mint's answer, is left out.
class InputError extends ActionError {}

module.exports = { ActionError, InputError }
