import { Alert, Anchor, Button, List, Stack, Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { useRef, useState } from 'react'
import type { Draft } from '../draft'
import { type Language, lineOf, parsed, type Wrong, written } from './parse'
import { TextEditor, type TextEditorHandle } from './TextEditor'

type Props = {
  language: Language
  draft: Draft
  /** Nothing: it can only be read. */
  onChange?: (draft: Draft) => void
  /** Whether the text says a job at all; what it said last is kept while it doesn't. */
  onValid?: (valid: boolean) => void
  /** What the server found, by its field. */
  errors?: Record<string, string>
}

/** A job as JSON or YAML, which says where something is wrong. */
export default function JobText({ language, draft, onChange, onValid, errors = {} }: Props) {
  const [text, setText] = useState(() => written(draft, language))
  const [said, setSaid] = useState(draft)
  const [wrong, setWrong] = useState<Wrong>()
  const editor = useRef<TextEditorHandle>(null)

  // It was changed elsewhere.
  if (said !== draft) {
    setSaid(draft)
    setText(written(draft, language))
    setWrong(undefined)
  }

  const change = (next: string) => {
    setText(next)
    const read = parsed(next, language)
    onValid?.('draft' in read)
    if ('wrong' in read) {
      setWrong(read.wrong)
      return
    }
    setWrong(undefined)
    setSaid(read.draft)
    onChange?.(read.draft)
  }

  const all: Wrong[] = wrong
    ? [wrong]
    : Object.entries(errors).map(([field, message]) => ({ field, message, line: lineOf(text, field) }))
  return (
    <Stack gap="sm">
      <TextEditor
        ref={editor}
        label={`The job as ${language === 'json' ? 'JSON' : 'YAML'}`}
        text={text}
        onChange={onChange && change}
        marked={new Set(all.map(({ line }) => line))}
      />
      {all.length > 0 && (
        <Alert
          color="red"
          icon={<TriangleAlert size={18} />}
          role="alert"
          title={wrong ? 'This is no job yet' : 'This needs a correction'}
        >
          <List size="sm" listStyleType="none">
            {all.map(({ line, field, message }) => (
              <List.Item key={`${line} ${field} ${message}`}>
                <Anchor
                  component="button"
                  type="button"
                  inherit
                  c="inherit"
                  underline="always"
                  onClick={() => editor.current?.goTo(line)}
                >
                  Line {line}
                </Anchor>
                {field && <b> {field}</b>}: {message}
              </List.Item>
            ))}
          </List>
          {wrong && onChange && (
            <>
              <Text size="sm" mt="xs">
                The form and what would be saved are as they were before this.
              </Text>
              <Button
                mt="xs"
                size="xs"
                variant="light"
                color="red"
                onClick={() => {
                  setText(written(draft, language))
                  setWrong(undefined)
                  onValid?.(true)
                }}
              >
                Go back to what was right last
              </Button>
            </>
          )}
        </Alert>
      )}
    </Stack>
  )
}
