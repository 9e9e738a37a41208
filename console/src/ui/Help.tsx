import { Code } from '@mantine/core'
import { Fragment } from 'react'

/** A sentence of the API's, in which what is typed as it stands is between backticks. */
export function Help({ text }: { text: string }) {
  let end = 0
  const parts = text.split('`').map((part, index) => {
    const start = end
    end += part.length + 1
    return { start, part, typed: index % 2 === 1 }
  })
  return parts.map(({ start, part, typed }) =>
    typed ? <Code key={start}>{part}</Code> : <Fragment key={start}>{part}</Fragment>,
  )
}
