import { Table } from '@mantine/core'
import type { schemas } from '../api/types'
import { Exact } from '../ui/Copy'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'

/** The certificate that the server showed last. */
export function ServerCertificate({ certificate }: { certificate: schemas['ServerCertificate'] }) {
  return (
    <Section title="Certificate of the server" about="As it was shown at the last connection.">
      <Table withRowBorders={false} verticalSpacing={4} layout="auto">
        <Table.Tbody>
          <Table.Tr>
            <Table.Th scope="row" w={110}>
              For
            </Table.Th>
            <Table.Td>{certificate.subject}</Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th scope="row">Signed by</Table.Th>
            <Table.Td>{certificate.issuer}</Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th scope="row">Ends</Table.Th>
            <Table.Td>
              <Time at={certificate.not_after} />
            </Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th scope="row">Thumbprint</Table.Th>
            <Table.Td>
              <Exact text={certificate.thumbprint_sha256} />
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
    </Section>
  )
}
