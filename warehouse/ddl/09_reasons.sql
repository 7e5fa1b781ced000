-- An alter table waits for every reader even where it has nothing to do, so it is only said once.
do $migration$
begin
    if not exists (
        select from pg_attribute
        where attrelid = 'ml.clv_model_scores'::regclass and attname = 'bias'
    ) then
        alter table ml.clv_model_scores add column bias double precision;
    end if;
end
$migration$;

comment on column ml.clv_model_scores.bias is
    'Mean of predicted less actual spend a customer, in base currency; above 0 is too much.';

create table if not exists ml.feature_importances (
    company_id text not null,
    calculation_date date not null,
    scope text not null,
    feature text not null,
    importance double precision not null check (importance >= 0),
    mean_contribution double precision not null,
    share double precision not null check (share between 0 and 1),
    rank integer not null,
    customers integer not null,
    model_name text not null,
    is_surrogate boolean not null,
    fidelity double precision,
    primary key (company_id, calculation_date, scope, feature)
);

comment on table ml.feature_importances is
    'What predicted values go by: mean size of the SHAP values of a feature; the latest calculation only.';
comment on column ml.feature_importances.company_id is 'The company (tenant). Part of every key.';
comment on column ml.feature_importances.calculation_date is 'Last day of data that the predictions know.';
comment on column ml.feature_importances.scope is 'all, or the customer_stage that the customers are in.';
comment on column ml.feature_importances.feature is 'What the model is told of a customer.';
comment on column ml.feature_importances.importance is
    'Mean of the absolute SHAP values over the customers, on the scale that the model adds on: the logarithm of the value, unless it predicts money directly.';
comment on column ml.feature_importances.mean_contribution is
    'Mean of the SHAP values over the customers, with their sign.';
comment on column ml.feature_importances.share is 'importance over the sum of all features of the scope.';
comment on column ml.feature_importances.rank is '1 is the most important of the scope.';
comment on column ml.feature_importances.customers is 'Customers that the means are over.';
comment on column ml.feature_importances.model_name is 'The model whose values are explained.';
comment on column ml.feature_importances.is_surrogate is
    'Explained through LightGBM trained to repeat the model''s values, because the model has no trees of its own that add up to them.';
comment on column ml.feature_importances.fidelity is
    'R² of the surrogate on customers that it was not trained on; null without a surrogate, or where too few customers were left.';

create table if not exists ml.feature_contributions (
    company_id text not null,
    calculation_date date not null,
    feature text not null,
    place integer not null check (place > 0),
    value double precision,
    contribution double precision not null,
    primary key (company_id, calculation_date, feature, place)
);

comment on table ml.feature_contributions is
    'SHAP values of a sample of customers beside what they are of, the dots of a summary plot; the latest calculation only.';
comment on column ml.feature_contributions.company_id is 'The company (tenant). Part of every key.';
comment on column ml.feature_contributions.calculation_date is 'Last day of data that the predictions know.';
comment on column ml.feature_contributions.feature is 'What the model is told of a customer.';
comment on column ml.feature_contributions.place is
    'The same customer for all features; who that is stays out of this table.';
comment on column ml.feature_contributions.value is 'What the model was told; null where there is nothing.';
comment on column ml.feature_contributions.contribution is
    'The SHAP value, on the scale of importance in ml.feature_importances.';

create table if not exists ml.feature_interactions (
    company_id text not null,
    calculation_date date not null,
    feature_a text not null,
    feature_b text not null,
    strength double precision not null check (strength >= 0),
    rank integer not null,
    customers integer not null,
    model_name text not null,
    is_surrogate boolean not null,
    primary key (company_id, calculation_date, feature_a, feature_b)
);

comment on table ml.feature_interactions is
    'The ten pairs of features that change each other''s weight most; the latest calculation only.';
comment on column ml.feature_interactions.company_id is 'The company (tenant). Part of every key.';
comment on column ml.feature_interactions.calculation_date is 'Last day of data that the predictions know.';
comment on column ml.feature_interactions.feature_a is 'The first feature by name.';
comment on column ml.feature_interactions.feature_b is 'The second feature by name.';
comment on column ml.feature_interactions.strength is
    'Mean of the absolute SHAP interaction values of the pair, both directions together.';
comment on column ml.feature_interactions.rank is '1 is the strongest.';
comment on column ml.feature_interactions.customers is 'Customers that the mean is over.';
comment on column ml.feature_interactions.model_name is 'The model whose values are explained.';
comment on column ml.feature_interactions.is_surrogate is 'See ml.feature_importances.';

create table if not exists ml.customer_reasons (
    company_id text not null,
    customer_id text not null,
    calculation_date date not null,
    rank integer not null check (rank between 1 and 3),
    feature text not null,
    contribution double precision not null,
    reason text not null,
    is_surrogate boolean not null,
    primary key (company_id, customer_id, calculation_date, rank)
);

comment on table ml.customer_reasons is
    'Why a customer''s value is predicted as it is, for the best quarter and whoever is at risk; the latest calculation only.';
comment on column ml.customer_reasons.company_id is 'The company (tenant). Part of every key.';
comment on column ml.customer_reasons.customer_id is 'The customer within the company.';
comment on column ml.customer_reasons.calculation_date is 'Last day of data that the prediction knows.';
comment on column ml.customer_reasons.rank is '1 is the reason that weighs most.';
comment on column ml.customer_reasons.feature is
    'What the reason is about; it stands for all features that tell of the same.';
comment on column ml.customer_reasons.contribution is
    'Sum of their SHAP values: above 0 it raises the value against the mean customer''s.';
comment on column ml.customer_reasons.reason is 'The reason in words, with the customer''s own figures.';
comment on column ml.customer_reasons.is_surrogate is 'See ml.feature_importances.';

create table if not exists ml.customer_clusters (
    company_id text not null,
    customer_id text not null,
    calculation_date date not null,
    cluster integer not null,
    label text not null,
    primary key (company_id, customer_id, calculation_date)
);

comment on table ml.customer_clusters is
    'Which customers are alike in what they buy and how often; the latest calculation only.';
comment on column ml.customer_clusters.company_id is 'The company (tenant). Part of every key.';
comment on column ml.customer_clusters.customer_id is 'The customer within the company.';
comment on column ml.customer_clusters.calculation_date is 'Last day of data that counts.';
comment on column ml.customer_clusters.cluster is '1 has the highest predicted value.';
comment on column ml.customer_clusters.label is 'The cluster in a few words.';

create table if not exists ml.cluster_profiles (
    company_id text not null,
    calculation_date date not null,
    cluster integer not null,
    label text not null,
    customers integer not null,
    share_of_customers double precision not null check (share_of_customers between 0 and 1),
    currency text not null,
    average_value_12m numeric(18, 4) not null,
    average_orders double precision not null,
    average_order_value numeric(18, 4) not null,
    average_recency_days double precision not null,
    churn_probability double precision not null check (churn_probability between 0 and 1),
    clv_tier text not null,
    suggested_action text not null,
    description text not null,
    silhouette double precision,
    primary key (company_id, calculation_date, cluster)
);

comment on table ml.cluster_profiles is
    'What the customers of a cluster have in common, and what to do for them; the latest calculation only.';
comment on column ml.cluster_profiles.company_id is 'The company (tenant). Part of every key.';
comment on column ml.cluster_profiles.calculation_date is 'Last day of data that counts.';
comment on column ml.cluster_profiles.cluster is '1 has the highest predicted value.';
comment on column ml.cluster_profiles.label is 'The cluster in a few words.';
comment on column ml.cluster_profiles.customers is 'Customers in it.';
comment on column ml.cluster_profiles.share_of_customers is 'customers over those of all clusters.';
comment on column ml.cluster_profiles.currency is 'Currency of the money columns, ISO 4217.';
comment on column ml.cluster_profiles.average_value_12m is 'Mean gross revenue predicted for 12 months.';
comment on column ml.cluster_profiles.average_orders is 'Mean number of days with a paid order.';
comment on column ml.cluster_profiles.average_order_value is 'Mean of the customers'' spend a paid day.';
comment on column ml.cluster_profiles.average_recency_days is 'Mean days since the last paid order.';
comment on column ml.cluster_profiles.churn_probability is 'Mean probability of no order in 12 months.';
comment on column ml.cluster_profiles.clv_tier is
    'High from twice the company''s mean predicted value on, Low below half of it, else Medium.';
comment on column ml.cluster_profiles.suggested_action is 'What to do for them, by the rules of docs/actions.md.';
comment on column ml.cluster_profiles.description is 'The profile in a sentence.';
comment on column ml.cluster_profiles.silhouette is
    'Mean silhouette of the clustering that k was chosen by; null where there is one cluster.';

create table if not exists ml.segment_migrations (
    company_id text not null,
    calculation_date date not null,
    segment_from text not null,
    segment_to text not null,
    from_date date not null,
    customers integer not null,
    probability double precision not null check (probability between 0 and 1),
    is_most_likely boolean not null,
    primary key (company_id, calculation_date, segment_from, segment_to)
);

comment on table ml.segment_migrations is
    'Where the customers of each business segment went over the last quarter; the latest calculation only.';
comment on column ml.segment_migrations.company_id is 'The company (tenant). Part of every key.';
comment on column ml.segment_migrations.calculation_date is 'Day of segment_to: the last day of data.';
comment on column ml.segment_migrations.segment_from is 'Business segment on from_date.';
comment on column ml.segment_migrations.segment_to is 'Business segment on calculation_date.';
comment on column ml.segment_migrations.from_date is 'The end of a month, a quarter before calculation_date.';
comment on column ml.segment_migrations.customers is 'Customers who went that way.';
comment on column ml.segment_migrations.probability is 'customers over all of segment_from.';
comment on column ml.segment_migrations.is_most_likely is
    'Where most customers of segment_from went, from 20 of them on: what is predicted for those who are in it today.';
