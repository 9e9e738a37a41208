import type { ReactNode } from 'react'
import type { ProblemError } from '../api/problem'

type Form = {
  setErrors: (errors: Record<string, ReactNode>) => void
  getInputNode: (path: string) => HTMLElement | null
}

/** Puts what the server found wrong at the fields of a form, and the focus into the first of them. */
export function showErrors(form: Form, error: ProblemError) {
  const errors = error.formErrors()
  form.setErrors(errors)
  const [first] = Object.keys(errors)
  if (first) form.getInputNode(first)?.focus()
}

/** What is left to say below a form whose fields have their errors. */
export const rest = (error: ProblemError | null, fields: string[]) =>
  error && (error.fields.length === 0 || error.fields.some(({ field }) => !fields.includes(field))) ? error : undefined
