-- What somebody would write for the 25 programs by hand, without a compiler: the same rules on the same facts, with the same
-- outcomes, on 2026-11-22. benchmarks/eligibility.py compares every array before it measures anything.
-- $1 regency, $2 and $3 the first and the last household.
WITH received AS MATERIALIZED (
    SELECT household_id, person_id, program AS code, ended_on IS NULL OR ended_on >= DATE '2026-11-22' AS now,
           ended_on IS NULL OR ended_on >= DATE '2016-11-22' AS lately
    FROM facts_enrollments
    WHERE regency = $1 AND household_id BETWEEN $2 AND $3 AND started_on <= DATE '2026-11-22'
), by_household AS MATERIALIZED (
    SELECT household_id, array_agg(code) FILTER (WHERE now) AS codes,
           bool_or(code IN ('BSPS', 'RUTILAHU') AND lately) AS housed
    FROM received GROUP BY household_id
), by_person AS MATERIALIZED (
    SELECT person_id, array_agg(code) AS codes FROM received WHERE now AND person_id IS NOT NULL GROUP BY person_id
), people AS MATERIALIZED (
    SELECT p.household_id, count(*) AS size, count(*) FILTER (WHERE 'PRAKERJA' = ANY (b.codes)) >= 2 AS two_train,
           bool_or(p.civil_servant OR p.military_or_police OR p.state_pensioner OR p.state_official
                   OR p.state_enterprise_staff OR p.employment_status = '5' OR p.village_official
                   OR p.certified_professional OR p.program_facilitator OR p.company_owner OR p.wage_at_least_minimum
                   OR p.nik_status IN ('DECEASED', 'DUPLICATE_NIK', 'DUPLICATE_FAMILY', 'NOT_MATCHED', 'NIK_NOT_FOUND',
                                       'NIK_INACTIVE')
                   OR p.gambling_flag OR p.high_balance_flag) AS found,
           bool_or(c.component) AS component, bool_or(c.component IS NULL) AS component_open,
           bool_or(p.chronic_illness OR p.disability) AS ill, bool_or((p.chronic_illness OR p.disability) IS NULL) AS ill_open,
           bool_or(p.birth_date <= DATE '1966-11-22') AS old, bool_or(p.birth_date IS NULL) AS born_open,
           bool_or(p.birth_date <= DATE '2008-11-22') AS adult,
           bool_or(p.relation = 'HEAD' AND p.citizen) AS citizen,
           bool_or((p.relation = 'HEAD' AND p.citizen) IS NULL) AS citizen_open,
           bool_or(p.relation = 'HEAD' AND p.marital_status = '2') AS married,
           bool_or((p.relation = 'HEAD' AND p.marital_status = '2') IS NULL) AS married_open
    FROM facts_persons p
    LEFT JOIN by_person b ON b.person_id = p.id
    CROSS JOIN LATERAL (SELECT p.pregnant OR p.postpartum OR p.severe_disability OR p.rights_violation_victim
        OR (p.birth_date > DATE '2019-11-22' AND p.birth_date <= DATE '2026-11-22') OR p.birth_date <= DATE '1966-11-22'
        OR (p.in_school AND p.school_level IN ('PRIMARY', 'JUNIOR_SECONDARY', 'SENIOR_SECONDARY', 'VOCATIONAL_SECONDARY'))
        AS component) c
    WHERE p.regency = $1 AND p.household_id BETWEEN $2 AND $3
    GROUP BY p.household_id
), families AS MATERIALIZED (
    SELECT h.*, h.desil <= 4 AS poor, coalesce(p.found, FALSE) AS found, coalesce(p.two_train, FALSE) AS two_train,
           coalesce(p.size, 0) AS size, coalesce(r.codes, '{}') AS codes,
           CASE WHEN p.component THEN TRUE WHEN p.component_open THEN NULL ELSE FALSE END AS component,
           CASE WHEN p.ill THEN TRUE WHEN p.ill_open THEN NULL ELSE FALSE END AS ill,
           CASE WHEN p.old THEN TRUE WHEN p.born_open THEN NULL ELSE FALSE END AS old,
           CASE WHEN p.adult THEN TRUE WHEN p.born_open THEN NULL ELSE FALSE END AS adult,
           CASE WHEN p.citizen THEN TRUE WHEN p.citizen_open THEN NULL ELSE FALSE END AS citizen,
           CASE WHEN p.married THEN TRUE WHEN p.married_open THEN NULL ELSE FALSE END AS married,
           CASE WHEN r.housed THEN TRUE END AS housed
    FROM facts_households h
    LEFT JOIN people p ON p.household_id = h.id
    LEFT JOIN by_household r ON r.household_id = h.id
    WHERE h.regency = $1 AND h.id BETWEEN $2 AND $3
), asked AS MATERIALIZED (
    SELECT f.id, f.area, f.codes, f.found, f.poor, f.meter_count,
           f.poor AND f.component AS pkh,
           f.desil = 1 OR (f.village_has_desil_1 = FALSE AND f.desil BETWEEN 2 AND 4)
               OR (f.village_has_desil_1 = FALSE AND f.village_has_desil_2_to_4 = FALSE
                   AND (f.lost_livelihood OR f.ill OR NOT 'PKH' = ANY (f.codes) OR (f.size < 2 AND f.old))) AS blt,
           'PKH' = ANY (f.codes)
               AND NOT (f.desil = 1 OR (f.village_has_desil_1 = FALSE AND f.desil BETWEEN 2 AND 4)) AS blt_conflict,
           f.village_meeting_chose IS NOT TRUE AS blt_waits,
           f.meter_va = 450 OR (f.meter_va = 900 AND f.registry_status = 'IN_REGISTRY' AND f.poor) AS power,
           f.citizen AND f.married AND f.owns_land AND f.owns_house AND NOT f.owns_other_house AND f.house_unfit
               AND NOT f.housed AND f.income_at_most_minimum AND f.self_help_group AS bsps,
           f.poor AND f.owns_house AND f.house_unfit AS house,
           f.poor AND f.adult AND f.group_size BETWEEN 5 AND 10 AS kube
    FROM families f
), kept AS (
    INSERT INTO {households}
    SELECT id, area, ARRAY[
        CASE WHEN NOT pkh THEN 2 WHEN found THEN 7 WHEN pkh THEN 1 ELSE 3 END
            + CASE WHEN 'PKH' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT poor THEN 2 WHEN found THEN 7 WHEN poor THEN 1 ELSE 3 END
            + CASE WHEN 'SEMBAKO' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT blt THEN 2 WHEN found THEN 7 WHEN blt_conflict THEN 6 WHEN blt IS NULL THEN 3 WHEN blt_waits THEN 4
             ELSE 1 END + CASE WHEN 'BLT-DD' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT power THEN 2 WHEN meter_count >= 2 THEN 7 WHEN power THEN 1 ELSE 3 END
            + CASE WHEN 'LISTRIK-SUBSIDI' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT bsps THEN 2 WHEN bsps THEN 1 ELSE 3 END + CASE WHEN 'BSPS' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT house THEN 2 WHEN found THEN 7 WHEN house THEN 1 ELSE 3 END
            + CASE WHEN 'RUTILAHU' = ANY (codes) THEN 16 ELSE 0 END,
        CASE WHEN NOT kube THEN 2 WHEN found THEN 7 WHEN kube THEN 1 ELSE 3 END
            + CASE WHEN 'KUBE' = ANY (codes) THEN 16 ELSE 0 END]::smallint[]
    FROM asked
)
INSERT INTO {persons}
SELECT household_id, id, area, ARRAY[
    CASE WHEN NOT pbi THEN 2 WHEN found THEN 7 WHEN pbi THEN 1 ELSE 3 END
        + CASE WHEN 'PBI-JK' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT atensi THEN 2 WHEN atensi THEN 1 ELSE 3 END + CASE WHEN 'ATENSI' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT pip THEN 2 WHEN pip THEN 1 ELSE 3 END + CASE WHEN 'PIP' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT again THEN 2 WHEN again THEN 1 ELSE 3 END + CASE WHEN 'PBI-REAKTIVASI' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT regional THEN 2 WHEN regional THEN 1 ELSE 3 END
        + CASE WHEN 'PBPU-PEMDA' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT nursery THEN 2 WHEN nursery THEN 1 ELSE 3 END + CASE WHEN 'PIP-TK' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT study THEN 2 WHEN study THEN 1 ELSE 3 END + CASE WHEN 'KIP-KULIAH' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT boarding THEN 2 WHEN boarding IS NULL THEN 3 WHEN desil = 2 THEN 4 ELSE 1 END
        + CASE WHEN 'SEKOLAH-RAKYAT' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT orphaned THEN 2 WHEN found THEN 7 WHEN orphaned THEN 1 ELSE 3 END
        + CASE WHEN 'ATENSI-YATIM' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT atensi THEN 2 WHEN found THEN 7 WHEN atensi THEN 1 ELSE 3 END
        + CASE WHEN 'ATENSI-SEMBAKO' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT atensi THEN 2 WHEN atensi THEN 1 ELSE 3 END + CASE WHEN 'ATENSI-LKS' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT meals THEN 2 WHEN found THEN 7 WHEN meals THEN 1 ELSE 3 END
        + CASE WHEN 'PERMAKANAN' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT gas THEN 2 WHEN gas THEN 1 ELSE 3 END + CASE WHEN 'LPG-3KG' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT farm THEN 2 WHEN farm THEN 1 ELSE 3 END + CASE WHEN 'PUPUK' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT pena THEN 2 WHEN found THEN 7 WHEN pena THEN 1 ELSE 3 END
        + CASE WHEN 'PENA' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT firm THEN 2 WHEN civil_servant THEN 7 WHEN firm THEN 1 ELSE 3 END
        + CASE WHEN 'KUR' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT firm THEN 2 WHEN civil_servant THEN 7 WHEN firm THEN 1 ELSE 3 END
        + CASE WHEN 'UMI' = ANY (codes) THEN 16 ELSE 0 END,
    CASE WHEN NOT train THEN 2 WHEN officer THEN 7 WHEN two_train THEN 6 WHEN train THEN 1 ELSE 3 END
        + CASE WHEN 'PRAKERJA' = ANY (codes) THEN 16 ELSE 0 END]::smallint[]
FROM (
    SELECT p.household_id, p.id, f.area, f.found, f.two_train, f.desil, b.codes, p.civil_servant,
           f.desil <= 5 AND p.nik_status = 'MATCHED' AND p.insurance_segment <> 'PPU' AS pbi,
           (f.desil <= 5 OR p.assessed_in_need) AND (p.ppks_category IN ('NEGLECTED_INFANT', 'NEGLECTED_CHILD',
               'CHILD_IN_CONFLICT_WITH_LAW', 'STREET_CHILD', 'CHILD_WITH_DISABILITY', 'ABUSED_CHILD',
               'CHILD_NEEDING_SPECIAL_PROTECTION', 'NEGLECTED_OLDER_PERSON', 'PERSON_WITH_DISABILITY', 'SEX_WORKER',
               'HOMELESS', 'BEGGAR', 'SCAVENGER', 'MINORITY_GROUP', 'FORMER_PRISONER', 'PERSON_WITH_HIV',
               'DRUG_ABUSE_VICTIM', 'TRAFFICKING_VICTIM', 'VIOLENCE_VICTIM', 'TROUBLED_MIGRANT_WORKER',
               'NATURAL_DISASTER_VICTIM', 'SOCIAL_DISASTER_VICTIM') OR p.disability OR f.disaster_affected) AS atensi,
           p.birth_date > DATE '2004-11-22' AND p.birth_date <= DATE '2020-11-22'
               AND p.school_level IN ('PRIMARY', 'JUNIOR_SECONDARY', 'SENIOR_SECONDARY', 'VOCATIONAL_SECONDARY')
               AND p.school_registered AND w.wanted AS pip,
           p.school_level = 'KINDERGARTEN' AND p.school_registered AND w.wanted AS nursery,
           (p.pbi_deactivated_on BETWEEN DATE '2026-05-22' AND DATE '2026-11-22' OR p.born_of_pbi_mother)
               AND (((f.desil >= 6 OR f.desil IS NULL)
                     AND (p.chronic_illness OR p.catastrophic_illness OR p.medical_emergency))
                    OR f.registry_status = 'NOT_FOUND' OR p.born_of_pbi_mother) AND p.facility_letter AS again,
           p.local_resident AND (p.insurance_segment = 'NONE'
               OR (p.insurance_segment = 'PBPU' AND p.insurance_unpaid)) AS regional,
           p.graduated_on BETWEEN DATE '2023-11-22' AND DATE '2026-11-22' AND p.admitted_to_university
               AND (p.kip_holder OR f.kks_holder OR 'PKH' = ANY (f.codes) OR f.poor OR p.parents_income_monthly <= 4000000
                    OR f.income_per_capita <= 750000) AS study,
           f.desil <= 2 AND p.birth_date > DATE '2008-11-22' AS boarding,
           p.orphan AND (f.desil <= 5 OR p.assessed_in_need) AND p.birth_date > DATE '2008-11-22' AS orphaned,
           f.size < 2 AND (p.birth_date <= DATE '1951-11-22' OR p.disability) AS meals,
           p.buyer_registered OR f.lpg_registered AS gas,
           p.farmer_registered AND p.farmland_square_meters <= 20000 AS farm,
           f.codes && ARRAY['PKH', 'SEMBAKO'] AND p.birth_date > DATE '1985-11-22' AND p.birth_date <= DATE '2006-11-22'
               AND p.business_owner AS pena,
           p.business_months >= 6 AS firm,
           p.birth_date > DATE '1961-11-22' AND p.birth_date <= DATE '2008-11-22' AND NOT p.in_school AS train,
           p.civil_servant OR p.military_or_police OR p.state_official AS officer
    FROM facts_persons p
    JOIN families f ON f.id = p.household_id
    LEFT JOIN by_person b ON b.person_id = p.id
    CROSS JOIN LATERAL (SELECT p.kip_holder OR f.kks_holder OR 'PKH' = ANY (f.codes) OR p.orphan OR p.in_institution
        OR f.disaster_affected OR p.returning_to_school OR p.disability AS wanted) w
    WHERE p.regency = $1 AND p.household_id BETWEEN $2 AND $3
    OFFSET 0
) r
