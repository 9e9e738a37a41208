import { type CSSVariablesResolver, DEFAULT_THEME, darken, type MantineColorsTuple } from '@mantine/core'

/**
 * How much darker than their darkest shade these colours begin where text stands in them or white stands on them: as they
 * come, a contrast of 4.5 to 1 isn't reached.
 */
const DARKER = { red: 0, orange: 0.05, yellow: 0.22, green: 0.05, teal: 0, cyan: 0, blue: 0, lime: 0.13 }

const STEPS = [0, 0.06, 0.14, 0.24]

function readable(name: string, from: number): MantineColorsTuple {
  const [a, b, c, d, e, f, , , , darkest] = DEFAULT_THEME.colors[name] ?? DEFAULT_THEME.colors.gray
  const [g, h, i, j] = STEPS.map((step) => darken(darkest, from + step))
  return [a, b, c, d, e, f, g ?? darkest, h ?? darkest, i ?? darkest, j ?? darkest]
}

/** Colours whose four darker shades can be read on white and on their lightest shades, and white on them. */
export const colors = Object.fromEntries(Object.entries(DARKER).map(([name, from]) => [name, readable(name, from)]))

/**
 * The same for what is dimmed, which has to be read on tinted grounds, too, for what is wrong with a field, and for tinted
 * buttons that one points at.
 */
export const variables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': darken(colors.gray[6], 0.3),
    '--mantine-color-indigo-light-hover': darken(colors.indigo[1], 0.05),
  },
  dark: { '--mantine-color-dimmed': darken(colors.dark[1], 0.1), '--mantine-color-error': colors.red[4] },
})
