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
  const told = useRef(value)
  const tell = useDebouncedCallback((next: string) => {
    told.current = next.trim()
    onChange(told.current || null)
  }, 250)
  // Somebody else changed it: a button that clears all filters, or the way back.
  useEffect(() => {
    if (value === told.current) return
    told.current = value
    setText(value)
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
