import { useState } from 'react'

let made = 0
const newKey = () => {
  made += 1
  return made
}

/**
 * Keys for the rows of a list that have none of their own, so that a row that moves keeps its focus and what is open in
 * it. Say here what is done to the list; a list that came from elsewhere is fitted by its length.
 */
export function useKeys(length: number) {
  const [keys, setKeys] = useState<number[]>([])
  const fitted = [...keys.slice(0, length)]
  while (fitted.length < length) fitted.push(newKey())
  // Once set, the next rendering finds nothing to fit.
  if (fitted.length !== keys.length) setKeys(fitted)
  return {
    keys: fitted,
    /** Gives the key of the new row. */
    insert: (at: number) => {
      const key = newKey()
      setKeys(fitted.toSpliced(at, 0, key))
      return key
    },
    remove: (at: number) => setKeys(fitted.toSpliced(at, 1)),
    move: (from: number, to: number) => {
      const moved = fitted[from]
      if (moved !== undefined) setKeys(fitted.toSpliced(from, 1).toSpliced(to, 0, moved))
    },
  }
}
