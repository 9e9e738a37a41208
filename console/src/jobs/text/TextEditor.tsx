import { Box, Textarea } from '@mantine/core'
import { type KeyboardEvent, type Ref, useImperativeHandle, useRef } from 'react'
import classes from './TextEditor.module.css'

/** The height of a line, as the stylesheet has it. */
const LINE = 20

/** What can be asked of the editor. */
export type TextEditorHandle = { goTo: (line: number) => void }

type Props = {
  ref?: Ref<TextEditorHandle>
  label: string
  text: string
  onChange?: (text: string) => void
  /** Lines on which something is wrong. */
  marked: ReadonlySet<number>
}

/** Text with numbers at its lines. */
export function TextEditor({ ref, label, text, onChange, marked }: Props) {
  const input = useRef<HTMLTextAreaElement>(null)
  const lines = text.split('\n')

  useImperativeHandle(ref, () => ({
    goTo: (line) => {
      const before = lines.slice(0, line - 1).join('\n').length
      const start = line > 1 ? before + 1 : 0
      const field = input.current
      if (!field) return
      field.focus({ preventScroll: true })
      field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0))
      const top = field.getBoundingClientRect().top + window.scrollY + line * LINE
      window.scrollTo({ top: top - window.innerHeight / 2 })
    },
  }))

  // Tab leaves the field, as everywhere: what is typed here is indented by spaces.
  const keys = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== 'Enter' || !onChange) return
    const { selectionStart: at, selectionEnd: to } = event.currentTarget
    const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
    const indent = /^ */.exec(line)?.[0] ?? ''
    if (indent === '') return
    event.preventDefault()
    // As if it were typed, so that the browser can undo it.
    document.execCommand('insertText', false, `\n${indent}`)
    if (input.current && input.current.value === text) {
      onChange(`${text.slice(0, at)}\n${indent}${text.slice(to)}`)
    }
  }

  return (
    <div className={classes.editor}>
      <Box className={classes.numbers} aria-hidden>
        {lines.map((_, index) => {
          const line = index + 1
          return (
            <div key={line} data-marked={marked.has(line) || undefined}>
              {marked.has(line) ? `! ${line}` : line}
            </div>
          )
        })}
      </Box>
      <Textarea
        ref={input}
        aria-label={label}
        aria-invalid={marked.size > 0}
        value={text}
        readOnly={!onChange}
        onChange={(event) => onChange?.(event.currentTarget.value)}
        onKeyDown={keys}
        rows={Math.max(lines.length, 12)}
        wrap="off"
        variant="unstyled"
        spellCheck={false}
        autoComplete="off"
        flex={1}
        classNames={{ input: classes.text }}
      />
    </div>
  )
}
