
@test "@id@ admits TODO" { admits @id@ admitted/every-container; }
@test "@id@ denies TODO" { denies @id@ denied/every-container; }
@test "@id@ warns about TODO" { warns @id@ denied/every-container; }
@test "@id@ admits exempt violations" { exempts @id@ denied/every-container; }
