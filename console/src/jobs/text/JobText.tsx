import { Button, Stack, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import type { Draft } from '../draft'
import { type Language, lineOf, parsed, type Wrong, written } from './parse'
import { TextEditor, type TextEditorHandle } from './TextEditor'
import { WrongLines } from './WrongLines'

type Props = {
  language: Language
  draft: Draft
  /** Nothing: it can only be read. */
  onChange?: (draft: Draft) => void
  /** Where the text says no job, if it doesn't; what it said last is kept meanwhile. */
  onWrong?: (wrong: Wrong | undefined) => void
  /** What the server found, by its field. */
  errors?: Record<string, string>
}

/** A job as JSON or YAML, which says where something is wrong. */
export default function JobText({ language, draft, onChange, onWrong, errors = {} }: Props) {
  const [text, setText] = useState(() => written(draft, language))
  const [said, setSaid] = useState(draft)
  const [wrong, setWrong] = useState<Wrong>()
  const editor = useRef<TextEditorHandle>(null)
  const latest = useRef(text)
  latest.current = text

  // What the server found: go to the first of it.
  const first = Object.keys(errors)[0]
  useEffect(() => {
    if (first !== undefined) editor.current?.goTo(lineOf(latest.current, first))
  }, [first])

  // It was changed elsewhere.
  if (said !== draft) {
    setSaid(draft)
    setText(written(draft, language))
    setWrong(undefined)
  }

  const change = (next: string) => {
    setText(next)
    const read = parsed(next, language)
    onWrong?.('wrong' in read ? read.wrong : undefined)
    if ('wrong' in read) {
      setWrong(read.wrong)
      return
    }
    setWrong(undefined)
    setSaid(read.draft)
    onChange?.(read.draft)
  }

  const found = Object.entries(errors).map(([field, message]) => ({ field, message, line: lineOf(text, field) }))
  const goTo = (line: number) => editor.current?.goTo(line)
  return (
    <Stack gap="sm">
      {!wrong && found.length > 0 && <WrongLines title="This needs a correction" lines={found} onGo={goTo} />}
      <TextEditor
        ref={editor}
        label={`The job as ${language === 'json' ? 'JSON' : 'YAML'}`}
        text={text}
        onChange={onChange && change}
        marked={new Set((wrong ? [wrong] : found).map(({ line }) => line))}
      />
      {wrong && (
        <WrongLines title="This is no job yet" lines={[wrong]} onGo={goTo}>
          <Text size="sm" my="xs">
            The form and what would be saved are as they were before this.
          </Text>
          <Button
            size="xs"
            variant="light"
            color="red"
            onClick={() => {
              setText(written(draft, language))
              setWrong(undefined)
              onWrong?.(undefined)
            }}
          >
            Go back to what was right last
          </Button>
        </WrongLines>
      )}
    </Stack>
  )
}
