import { TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

type Props = Omit<TextInputProps, 'value' | 'onChange'> & {
  value: string | undefined
  onChange: (value: string | null) => void
}

/** Text that a list is narrowed by; the list follows when the typing pauses. */
export function SearchInput({ value = '', onChange, ...rest }: Props) {
  const [text, setText] = useState(value)
  // What was told and has not come back yet: the address follows a moment later, and more may have been typed by then.
  const told = useRef<string[]>([])
  const tell = useDebouncedCallback((typed: string) => {
    const next = typed.trim()
    if (next === (told.current.at(-1) ?? value)) return
    told.current.push(next)
    onChange(next || null)
  }, 250)
  // Anything else has been changed by somebody else: a button that clears all filters, or the way back.
  useEffect(() => {
    const back = told.current.lastIndexOf(value)
    if (back < 0) setText(value)
    told.current = told.current.slice(back + 1)
  }, [value])
  return (
    <TextInput
      type="search"
      leftSection={<Search size={14} aria-hidden />}
      {...rest}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        tell(event.currentTarget.value)
      }}
    />
  )
}
