import { Alert, Anchor, List } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Wrong } from './parse'

type Props = { title: string; lines: Wrong[]; onGo: (line: number) => void; children?: ReactNode }

/** What is wrong in a text, each with the way to its line. */
export function WrongLines({ title, lines, onGo, children }: Props) {
  return (
    <Alert color="red" icon={<TriangleAlert size={18} aria-hidden />} role="alert" title={title}>
      <List size="sm" listStyleType="none">
        {lines.map(({ line, field, message }) => (
          <List.Item key={`${line} ${field} ${message}`}>
            <Anchor component="button" type="button" inherit c="inherit" underline="always" onClick={() => onGo(line)}>
              Line {line}
            </Anchor>
            {field && <b> {field}</b>}: {message}
          </List.Item>
        ))}
      </List>
      {children}
    </Alert>
  )
}
